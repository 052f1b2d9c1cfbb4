-- Mark the members who are to be told of a message as told, and answer them: those who do not follow the chat now, and
-- have not been told of another one since they last looked. They are found by what is kept of each (`is_told`), so that
-- nobody who has been told is looked at.
--
-- Where there are more than `most`, or others are still being told of an earlier message, one row without a person says
-- that they are told later, in batches.
--
-- Volatile: a statement that waited for the lock of a chat sees other tables as they were before it waited, a volatile
-- function sees them as they are when it is called.
CREATE OR REPLACE FUNCTION chat_members_to_tell(chat uuid, author uuid, most integer) RETURNS SETOF uuid
LANGUAGE plpgsql ROWS 100 AS $$
DECLARE
    away uuid[];
BEGIN
    IF NOT EXISTS (SELECT FROM broadcasts WHERE broadcasts.object_id = chat) THEN
        away := ARRAY(
            SELECT reader.user_id FROM chat_members reader JOIN users ON users.id = reader.user_id
            WHERE reader.chat_id = chat AND NOT reader.is_told AND reader.left_at IS NULL
                AND reader.user_id <> author AND users.is_active
                AND (reader.watching_until IS NULL OR reader.watching_until < now())
            LIMIT most + 1
        );
    END IF;
    IF away IS NULL OR cardinality(away) > most THEN
        RETURN NEXT NULL;
        RETURN;
    END IF;
    RETURN QUERY
        UPDATE chat_members reader SET is_told = true
        WHERE reader.chat_id = chat AND reader.user_id = ANY (away) AND NOT reader.is_told AND reader.left_at IS NULL
        RETURNING reader.user_id;
END $$;
