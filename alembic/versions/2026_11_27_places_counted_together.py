"""places are counted once after each statement

They were counted after each row: of 20,000 that ended together each updated the same row of the event, and walked past
all its former versions.

Revision ID: places_counted_together
Revises: change_places
"""

from alembic import op

revision = "places_counted_together"
down_revision = "change_places"
branch_labels = None
depends_on = None

HOLDS = "admission IN ('CONFIRMED', 'OFFERED')"
TABLES = (("registrations", "events", "event_id"), ("bookings", "services", "service_id"))
SEEN = {"INSERT": "NEW TABLE AS came", "DELETE": "OLD TABLE AS gone", "UPDATE": "NEW TABLE AS came OLD TABLE AS gone"}


def counting(owner: str, key: str) -> str:
    held = f"SELECT {key}, count(*) AS number FROM %s WHERE {HOLDS} GROUP BY {key}"
    return f"""
    CREATE FUNCTION {owner}_count_taken() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP = 'INSERT' THEN
            UPDATE {owner} SET taken = taken + held.number FROM ({held % "came"}) AS held WHERE {owner}.id = held.{key};
        ELSIF TG_OP = 'DELETE' THEN
            UPDATE {owner} SET taken = taken - held.number FROM ({held % "gone"}) AS held WHERE {owner}.id = held.{key};
        ELSE
            UPDATE {owner} SET taken = taken + held.number
            FROM (
                SELECT {key}, sum(number) AS number
                FROM (
                    SELECT {key}, 1 AS number FROM came WHERE {HOLDS}
                    UNION ALL SELECT {key}, -1 FROM gone WHERE {HOLDS}
                ) AS changed
                GROUP BY {key} HAVING sum(number) <> 0
            ) AS held
            WHERE {owner}.id = held.{key};
        END IF;
        RETURN NULL;
    END $$
    """


REFUSING = """
CREATE FUNCTION refuse_moved_place() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '%.% does not change', TG_TABLE_NAME, TG_ARGV[0] USING ERRCODE = 'restrict_violation';
END $$
"""


def former(table: str, owner: str, key: str) -> str:
    return f"""
    CREATE FUNCTION {table}_count_taken() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
        held boolean := TG_OP <> 'INSERT' AND OLD.{HOLDS};
        holds boolean := TG_OP <> 'DELETE' AND NEW.{HOLDS};
    BEGIN
        IF TG_OP = 'UPDATE' AND OLD.{key} <> NEW.{key} THEN
            RAISE EXCEPTION '{table}.{key} does not change' USING ERRCODE = 'restrict_violation';
        END IF;
        IF held AND NOT holds THEN
            UPDATE {owner} SET taken = taken - 1 WHERE id = OLD.{key};
        ELSIF holds AND NOT held THEN
            UPDATE {owner} SET taken = taken + 1 WHERE id = NEW.{key};
        END IF;
        RETURN NULL;
    END $$
    """


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    run = op.get_bind().exec_driver_sql
    run(REFUSING)
    for table, owner, key in TABLES:
        run(counting(owner, key))
        run(f"DROP TRIGGER {table}_count_taken ON {table}")
        run(f"DROP FUNCTION {table}_count_taken()")
        for action, seen in SEEN.items():
            run(
                f"CREATE TRIGGER {table}_count_taken_{action.lower()} AFTER {action} ON {table} REFERENCING {seen} "
                f"FOR EACH STATEMENT EXECUTE FUNCTION {owner}_count_taken()"
            )
        run(
            f"CREATE TRIGGER {table}_refuse_moved BEFORE UPDATE OF {key} ON {table} FOR EACH ROW "
            f"WHEN (OLD.{key} <> NEW.{key}) EXECUTE FUNCTION refuse_moved_place('{key}')"
        )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    run = op.get_bind().exec_driver_sql
    for table, owner, key in TABLES:
        run(f"DROP TRIGGER {table}_refuse_moved ON {table}")
        for action in SEEN:
            run(f"DROP TRIGGER {table}_count_taken_{action.lower()} ON {table}")
        run(f"DROP FUNCTION {owner}_count_taken()")
        run(former(table, owner, key))
        run(
            f"CREATE TRIGGER {table}_count_taken AFTER INSERT OR DELETE OR UPDATE OF admission, {key} ON {table} "
            f"FOR EACH ROW EXECUTE FUNCTION {table}_count_taken()"
        )
    run("DROP FUNCTION refuse_moved_place()")
