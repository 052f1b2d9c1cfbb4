"""more forms of words, and a number sign that is no word

Revision ID: search_forms
Revises: account_deletion
"""

import json

from alembic import op

revision = "search_forms"
down_revision = "account_deletion"
branch_labels = None
depends_on = None

FORMS = """
яйцо яйца яйцу яйцом яйце яиц яйцам яйцами яйцах
щенок щенка щенку щенком щенки щенков щенкам щенята щенят щенятам щенятами
дитя дети детей детям детьми детях
сосед соседа соседу соседом соседи соседей соседям соседями
черт черта черти чертей
ноготь ногтя ногти ногтей
дядя дяди дядю дядей дядья
копье копья копий копьем
ружье ружья ружей
платье платья платьев платьем платьям
good better best
bad worse worst
"""
"""Words whose forms no rule leads to one stem, as in the migration word_search."""

WORDS = [("normalize(given, NFKD)", "normalize(translate(given, '№', ' '), NFKD)")]
"""Unicode spells № as No, which made one word of «№7» and two of «№ 7»."""

ALIKE = [
    (
        """
    -- Nouns that keep a letter: музей, музея.
    IF word ~ '[а-я]{2}ей$' THEN
        found := found || left(word, -1);
    ELSIF stem ~ 'е$' THEN
        found := found || (stem || 'й');
    END IF;
""",
        """
    -- Nouns that keep a letter: музей, музея; герой, герою. Snowball takes some of their ends for those of adjectives.
    part := substring(word FROM '^(.+[аеоуию])(?:й|я|ю|ем|е|и|ев|ям|ями|ях)$');
    IF part IS NOT NULL THEN
        found := found || ARRAY(
            SELECT part || ending FROM unnest('{й,я,ю,ем,е,и,ев,ям,ями,ях}'::text[]) AS ending
        );
    END IF;
    -- The young: котенок, котята; медвежонок, медвежата.
    part := substring(word FROM '^(.{2,})[ео]н(?:ок|ка|ку|ком|ке)$');
    IF part IS NOT NULL THEN
        found := found || (part || 'ят') || (part || 'ат');
    END IF;
    part := substring(word FROM '^(.{2,})[ая]т(?:а|ам|ами|ах)?$');
    IF part IS NOT NULL THEN
        found := found || (part || 'енок') || (part || 'енк') || (part || 'онок') || (part || 'онк');
    END IF;
""",
    )
]


def rewritten(name: str, changes: list[tuple[str, str]]) -> str:
    """The statement that makes a function of the database anew, with parts of its text changed."""
    text = op.get_bind().exec_driver_sql(f"SELECT pg_get_functiondef('{name}'::regprocedure)").scalar_one()
    for old, new in changes:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return str(text)


def forms(text: str, *, are_known: bool) -> str:
    """The statement with the list of forms that a function has, with those of this migration or without."""
    start = text.index("('{") + 2
    end = text.index("'::jsonb", start)
    known = json.loads(text[start:end])
    for line in FORMS.strip().split("\n"):
        for form in line.split():
            others = set(line.split())
            kept = [one for one in known.get(form, ()) if one not in others]
            if are_known:
                known[form] = kept + line.split()
            elif kept:
                known[form] = kept
            else:
                known.pop(form, None)
    return text[:start] + json.dumps(known, ensure_ascii=False) + text[end:]


SIGNED = r"words::text ~ $$'no[[:alnum:]]*'$$"
"""Where № may have stood."""


def write_anew(narrowed: str) -> None:
    """Write the words anew of all rows that may have a number sign."""
    run = op.get_bind().exec_driver_sql
    for kind in ("event", "club"):
        run(f"SELECT write_{kind}_words(ARRAY(SELECT {kind}_id FROM {kind}_words WHERE {narrowed}))")
    run("UPDATE venues SET name = name, address = address WHERE concat(name, address) LIKE '%№%'")
    run("UPDATE interests SET name_ru = name_ru WHERE concat(name_ru, name_en) LIKE '%№%'")
    run(
        "UPDATE service_types SET name_ru = name_ru "
        "WHERE concat(name_ru, name_en, description_ru, description_en) LIKE '%№%'"
    )


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    run = op.get_bind().exec_driver_sql
    run(rewritten("search_words(text,boolean)", WORDS))
    run(forms(rewritten("search_alike(text,text)", ALIKE), are_known=True))
    write_anew(SIGNED)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    run = op.get_bind().exec_driver_sql
    run(rewritten("search_words(text,boolean)", [(new, old) for old, new in WORDS]))
    run(forms(rewritten("search_alike(text,text)", [(new, old) for old, new in ALIKE]), are_known=False))
    write_anew("true")
