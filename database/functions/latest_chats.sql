-- The chats of somebody among which a page of their list is, the one with the newest message first. Of few chats all
-- are answered, whichever page is asked for. Who has many is in many of those where something was said lately: these are
-- walked, from the end of the page before, and each is asked for its member. The walk is bounded, since somebody may be
-- in many chats where nothing was said for long: then, too, all of theirs are answered.
--
-- `beyond_at` and `beyond_id` are the end of the page before, null for the first page; `most` is the length of a page
-- and one more.
CREATE OR REPLACE FUNCTION latest_chats(
    member uuid, kinds text[], is_unread boolean, beyond_at timestamptz, beyond_id uuid, is_backward boolean,
    most integer
) RETURNS SETOF uuid LANGUAGE plpgsql STABLE ROWS 1 AS $$
DECLARE
    few CONSTANT integer := 1000;
    found uuid[];
BEGIN
    IF few < (
        SELECT count(*) FROM (SELECT FROM chat_members WHERE user_id = member AND left_at IS NULL LIMIT few + 1) AS own
    ) THEN
        beyond_at := coalesce(beyond_at, CASE WHEN is_backward THEN '-infinity' ELSE 'infinity' END::timestamptz);
        beyond_id := coalesce(beyond_id, 'ffffffff-ffff-ffff-ffff-ffffffffffff');
        IF is_backward THEN
            found := ARRAY(
                SELECT walked.id FROM (
                    SELECT id, kind, last_sequence, last_message_at FROM chats
                    WHERE (last_message_at, id) > (beyond_at, beyond_id)
                    ORDER BY last_message_at, id LIMIT 2000
                ) AS walked
                WHERE (kinds IS NULL OR walked.kind = ANY (kinds)) AND (
                    SELECT NOT is_unread OR walked.last_sequence > greatest(read_sequence, joined_sequence)
                    FROM chat_members WHERE chat_id = walked.id AND user_id = member AND left_at IS NULL
                )
                ORDER BY walked.last_message_at, walked.id LIMIT most
            );
        ELSE
            found := ARRAY(
                SELECT walked.id FROM (
                    SELECT id, kind, last_sequence, last_message_at FROM chats
                    WHERE (last_message_at, id) < (beyond_at, beyond_id)
                    ORDER BY last_message_at DESC, id DESC LIMIT 2000
                ) AS walked
                WHERE (kinds IS NULL OR walked.kind = ANY (kinds)) AND (
                    SELECT NOT is_unread OR walked.last_sequence > greatest(read_sequence, joined_sequence)
                    FROM chat_members WHERE chat_id = walked.id AND user_id = member AND left_at IS NULL
                )
                ORDER BY walked.last_message_at DESC, walked.id DESC LIMIT most
            );
        END IF;
        IF cardinality(found) = most THEN
            RETURN QUERY SELECT unnest(found);
            RETURN;
        END IF;
    END IF;
    RETURN QUERY SELECT chat_id FROM chat_members WHERE user_id = member AND left_at IS NULL;
END $$;
