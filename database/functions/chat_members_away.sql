-- Called by processes of the release before; chat_members_to_tell has its place.
--
-- Members who do not follow the chat now and have not been told of it since they last looked. Most have been told:
-- those are found by one look into an index, and only the others are looked at any further.
--
-- Volatile: a statement that waited for the lock of a chat sees other tables as they were before it waited, a volatile
-- function sees them as they are when it is called.
CREATE OR REPLACE FUNCTION chat_members_away(chat uuid, author uuid) RETURNS SETOF uuid LANGUAGE plpgsql ROWS 5 AS $$
BEGIN
    RETURN QUERY
        SELECT reader.user_id FROM chat_members reader JOIN users ON users.id = reader.user_id
        WHERE reader.chat_id = chat AND reader.user_id <> author AND reader.left_at IS NULL AND users.is_active
            AND (reader.watching_until IS NULL OR reader.watching_until < now())
            AND reader.user_id NOT IN (
                SELECT told.user_id FROM notifications told
                WHERE told.subject_id = chat AND told.type = 'NEW_MESSAGE' AND told.read_at IS NULL
            );
END $$;
