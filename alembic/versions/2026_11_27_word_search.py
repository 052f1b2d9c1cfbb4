r"""one tokeniser for what is searched and for what is asked

Search columns were cut into words by PostgreSQL's parser and queries by a regular expression of ours, so that AC/DC,
3.12 or <Rock> did not find themselves. Now both are cut by search_words(). Words of events and clubs stand in tables of
their own, which triggers keep (docs/adr/0025-word-search.md).

Revision ID: word_search
Revises: put_out
"""

import json

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "word_search"
down_revision = "0010_deleted_records"
branch_labels = None
depends_on = None

IGNORED = (
    # Combining marks, points and strokes that writers leave out, and what Unicode calls default ignorable.
    r"\u0300-\u036f\u0483-\u0489\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u064b-\u065f\u0670"
    r"\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164"
    r"\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U000e0000-\U000e0fff"
)
SYMBOLS = r"\u20a0-\u20cf\u2190-\u2bff\U0001f000-\U0001faff"
"""Currencies, arrows, signs, emoji: each is a word."""
BETWEEN = (
    # What parts words, whatever the locale of the database says about it.
    r"\u0001-\u002f:-@\[-`{-\u00bf\u00d7\u00f7\u02c2-\u02c5\u02d2-\u02df\u055a-\u055f\u0589\u058a\u05be\u05c0\u05c3\u05c6"
    r"\u05f3\u05f4\u060c\u060d\u061b-\u061f\u066a-\u066d\u06d4\u0964\u0965\u0970\u0e4f\u0e5a\u0e5b\u10fb\u1361-\u1368\u1400"
    r"\u1680\u2000-\u206f\u2070-\u207f\u2e00-\u2e7f\u3000-\u3003\u3008-\u3020\u3030\u303d-\u303f\u30a0\u30fb\ufd3e\ufd3f\ufe10-\ufe6f\ufffc\ufffd"
)

WORDS = rf"""
CREATE FUNCTION search_words(given text, is_asked boolean) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    words text := lower(normalize(given, NFKD));
BEGIN
    IF octet_length(words) > char_length(words) THEN
        words := translate(replace(replace(words, U&'\0438\0306', 'й'), 'ß', 'ss'), 'ςı', 'σi');
        words := regexp_replace(words, '[{IGNORED}]+', '', 'g');
        words := regexp_replace(words, '[{SYMBOLS}]', ' \& ', 'g');
    END IF;
    -- C++, C# and .NET are found by themselves, and among C and nets.
    IF is_asked THEN
        words := regexp_replace(words, '([a-z]+)\+\+(?![+\w])', ' \1plusplus ', 'g');
        words := regexp_replace(words, '\m([a-z])#(?!\w)', ' \1sharp ', 'g');
        words := regexp_replace(words, '\.net\M', ' dotnet ', 'g');
    ELSIF words ~ '\+\+|#|\.net' THEN
        words := regexp_replace(words, '([a-z]+)\+\+', ' \1 \1plusplus ', 'g');
        words := regexp_replace(words, '\m([a-z])#', ' \1 \1sharp ', 'g');
        words := regexp_replace(words, '\.(net\w*)', ' \1 dotnet ', 'g');
    END IF;
    words := btrim(regexp_replace(words, '[{BETWEEN}]+', ' ', 'g'));
    IF octet_length(words) > 2000 THEN
        words := regexp_replace(words, '(\S{{100}})\S+', '\1', 'g');
    END IF;
    RETURN words;
END $$
"""

LEXEMES = """
CREATE FUNCTION search_lexemes(given text, place text) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
    words text := search_words(given, false);
BEGIN
    IF words <> '' THEN
        words := words || ' ' || array_to_string(tsvector_to_array(to_tsvector('pg_catalog.russian', words)), ' ');
        RETURN replace(words, ' ', place) || place;
    END IF;
    RETURN '';
END $$
"""

DOCUMENT = """
CREATE FUNCTION search_document(title text, tags text, place text, description text) RETURNS tsvector
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path FROM CURRENT AS $$
BEGIN
    RETURN (
        search_lexemes(title, ':1A ') || search_lexemes(tags, ':2B ')
        || search_lexemes(place, ':3C ') || search_lexemes(description, ':4 ')
    )::tsvector;
END $$
"""

FORMS = """
день дня дню днем дне дни дней дням днями днях
человек человека человеку человеком человеке люди людей людям людьми людях
ребенок ребенка ребенку ребенком ребенке ребята ребят ребятам дети детей детям детьми детях
время времени временем времена времен временам временами временах
имя имени именем имена имен именам именами
знамя знамени знаменем знамена знамен
друг друга другу другом друге друзья друзей друзьям друзьями друзьях
брат брата брату братом братья братьев братьям братьями
муж мужа мужу мужем мужья мужей мужьям мужьями
сын сына сыну сыном сыновья сыновей сыновьям сыновьями
мать матери матерью матерей матерям матерями
дочь дочери дочерью дочерей дочерям дочерями
год года году годом годе годы годов лет летам
песня песни песню песней песне песен песням песнями песнях
дерево дерева дереву деревом деревья деревьев деревьям деревьями
лист листа листом листы листов листья листьев листьям
стул стула стулу стулом стулья стульев стульям стульями
цветок цветка цветку цветком цветки цветы цветов цветам цветами цветах
письмо письма письму письмом письме писем письмам письмами
хозяин хозяина хозяину хозяева хозяев хозяевам
чудо чуда чудом чудеса чудес чудесам чудесами
небо неба небу небом небе небеса небес небесах
ухо уха уши ушей ушам
плечо плеча плечи плеч
колено колени коленей колен
лев льва льву львом львы львов
пес пса псу псом псы псов псами
сон сна сну сном снов сны снам
лед льда льду льдом льды льдов
лоб лба лбу лбом
рот рта рту ртом
любовь любви любовью
церковь церкви церковью церквей церквам
мышь мыши мышью мышей
хороший хорошая хорошее хорошие хорошего лучше лучший лучшая лучшее лучшие лучших
большой большая большое большие больших больше
маленький маленькая маленькие маленьких меньше
идти иду идешь идет идем идете идут шел шла шло шли
пойти пойду пойдешь пойдет пойдем пойдут пошел пошла пошли
прийти приду придет придем придут пришел пришла пришли
ехать еду едешь едет едем едете едут ехал ехала ехали поехать поеду поедем поехали
бежать бегу бежишь бежит бежим бегут бежал бежала бежали бегать бегаю бегаем бегают бег бега бегом
ездить езжу ездишь ездит ездим ездят ездил ездили
ходить хожу ходишь ходит ходим ходят ходил ходила ходили
лететь лечу летит летим летят летел летела летели летать
есть ем ест едим едят ел ела ели
пить пью пьет пьем пьют пил пила пили
петь пою поешь поет поем поете поют пел пела пело пели пение пения
писать пишу пишешь пишет пишем пишете пишут писал писала писали
искать ищу ищешь ищет ищем ищете ищут искал искала искали
учить учу учишь учит учим учите учат учил учила учили учиться учусь учится учимся учатся учился
хотеть хочу хочешь хочет хотим хотите хотят хотел хотела хотели
мочь могу можешь может можем можете могут мог могла могли
помочь помогу поможешь поможет поможем поможете помогут помог помогла помогли
смотреть смотрю смотришь смотрит смотрим смотрите смотрят смотрел смотрела смотрели посмотреть посмотрим
видеть вижу видишь видит видим видят видел видела видели
сидеть сижу сидит сидим сидят сидел сидела сидели
болеть болею болеет болеем болеют болел болели
говорить говорю говорит говорим говорят говорил говорили
сказать скажу скажет скажем скажут сказал сказала сказали
рассказать расскажу расскажет расскажем расскажут рассказал
показать покажу покажет покажем покажут показал показали
вязать вяжу вяжет вяжем вяжут вязал вязание вязания
печь пеку печет печем пекут пек пекла пекли
резать режу режет режем режут резал резьба
ждать жду ждешь ждет ждем ждут ждал ждали
жить живу живет живем живут жил жила жили
играть играю играет играем играют играл играла играли
взять возьму возьмет возьмем возьмут взял взяли брать беру берет берем берут брал брали
дать дам даст дадим дадут дал дала дали
звать зову зовет зовем зовут звал звали
плыть плыву плывет плывем плывут плыл плыли
шить шью шьет шьем шьют шил шила шили шитье шитья
man men
woman women
child children
person persons people
foot feet
tooth teeth
mouse mice
goose geese
life lives
wife wives
knife knives
leaf leaves
loaf loaves
shelf shelves
thief thieves
wolf wolves
half halves
self selves
calf calves
scarf scarves
bus buses
analysis analyses
criterion criteria
be been was were am are is being
begin begins beginning began begun
bind binds binding bound
blow blows blowing blew blown
break breaks breaking broke broken
bring brings bringing brought
build builds building built
buy buys buying bought
catch catches catching caught
choose chooses choosing chose chosen
come comes coming came
do does doing did done
draw draws drawing drew drawn
drink drinks drinking drank drunk
drive drives driving drove driven
eat eats eating ate eaten
fall falls falling fell fallen
feel feels feeling felt
fight fights fighting fought
find finds finding found
fly flies flying flew flown
forget forgets forgetting forgot forgotten
get gets getting got gotten
give gives giving gave given
go goes going went gone
grow grows growing grew grown
hear hears hearing heard
hold holds holding held
keep keeps keeping kept
know knows knowing knew known
lead leads leading led
learn learns learning learned learnt
leave leaving left
lose loses losing lost
make makes making made
mean means meaning meant
meet meets meeting met
pay pays paying paid
ride rides riding rode ridden
ring rings ringing rang rung
rise rises rising rose risen
run runs running ran
say says saying said
see sees seeing saw seen
sell sells selling sold
send sends sending sent
sew sews sewing sewed sewn
shoot shoots shooting shot
sing sings singing sang sung
sit sits sitting sat
sleep sleeps sleeping slept
speak speaks speaking spoke spoken
spend spends spending spent
stand stands standing stood
swim swims swimming swam swum
take takes taking took taken
teach teaches teaching taught
tell tells telling told
think thinks thinking thought
throw throws throwing threw thrown
wake wakes waking woke woken
wear wears wearing wore worn
win wins winning won
write writes writing wrote written
"""
"""Words whose forms no rule leads to one stem, a word in each line; ё as е. A form of two words finds both."""


def forms() -> str:
    """The forms of a word by each of them, as JSON."""
    lines: dict[str, dict[str, None]] = {}
    for line in FORMS.split("\n"):
        for form in line.split():
            lines.setdefault(form, {}).update(dict.fromkeys(line.split()))
    return json.dumps({form: list(others) for form, others in lines.items()}, ensure_ascii=False)


ALIKE = r"""
CREATE FUNCTION search_alike(word text, stem text) RETURNS text[]
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    found text[] := ARRAY(SELECT jsonb_array_elements_text('%s'::jsonb -> word));
    part text;
BEGIN
    IF stem !~ '^[а-я]{3,}$' THEN
        RETURN found;
    END IF;
    -- Vowels that come and go: прогулка, прогулок; танцы, танец; свадьба, свадеб; скамейка, скамеек.
    FOREACH part IN ARRAY ARRAY[stem, word] LOOP
        IF part ~ '[а-я][бвгджзйклмнпрстфхцчшщ][ое][бвгджзйклмнпрстфхцчшщ]$' THEN
            found := found || overlay(part PLACING '' FROM char_length(part) - 1 FOR 1)
                || overlay(part PLACING 'ь' FROM char_length(part) - 1 FOR 1);
        ELSIF part ~ '[аеоуыэюя]ек$' THEN
            found := found || overlay(part PLACING 'й' FROM char_length(part) - 1 FOR 1);
        END IF;
    END LOOP;
    IF stem ~ '[бвгджзклмнпрстфхцчшщ][ьй]?[бвгджзклмнпрстфхцчшщ]$|йк$' THEN
        part := regexp_replace(stem, '[ьй]?(.)$', '');
        found := found || (part || 'о' || right(stem, 1)) || (part || 'е' || right(stem, 1));
    END IF;
    -- Nouns that keep a letter: музей, музея.
    IF word ~ '[а-я]{2}ей$' THEN
        found := found || left(word, -1);
    ELSIF stem ~ 'е$' THEN
        found := found || (stem || 'й');
    END IF;
    -- Verbs that lose a syllable: рисовать, рисую; танцевать, танцует.
    part := substring(word FROM '^(.{2,})(?:[ое]ва(?:ть|л|ла|ли|ло)|у(?:ю|ешь|ет|ем|ете|ют|й|йте))$');
    IF part IS NOT NULL THEN
        found := found || (part || 'ова') || (part || 'ева') || ARRAY(
            SELECT part || 'у' || ending FROM unnest('{ю,ешь,ет,ем,ете,ют,й,йте}'::text[]) AS ending
        );
    END IF;
    -- And those that gain a letter: любить, люблю; готовить, готовлю.
    IF word ~ '[бпвмф]лю$' THEN
        found := found || left(word, -2);
    ELSIF word ~ '[бпвмф](ить|ишь|ит|им|ите|ят|ил|ила|или)$' THEN
        found := found || (stem || 'лю');
    END IF;
    RETURN found;
END $$
"""

QUERIES = r"""
CREATE FUNCTION search_queries(asked text) RETURNS tsquery[]
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE SET search_path FROM CURRENT AS $$
DECLARE
    words text[] := string_to_array(search_words(asked, true), ' ');
    word text;
    stems text[];
    form text;
    condition text;
    conditions text[] := '{}';
    needless text[] := '{}';
    query text;
BEGIN
    FOR number IN 1 .. cardinality(words) LOOP
        word := left(words[number], 100);
        stems := tsvector_to_array(to_tsvector('pg_catalog.russian', word));
        condition := quote_literal(word) || ':~';
        IF char_length(word) > 2 OR number = cardinality(words) AND (number > 1 OR char_length(word) = 2) THEN
            condition := condition || '*';
        END IF;
        IF cardinality(stems) = 1 THEN
            FOREACH form IN ARRAY stems || search_alike(word, stems[1]) LOOP
                CONTINUE WHEN strpos(condition, quote_literal(form) || ':') > 0;
                condition := condition || ' | ' || quote_literal(form) || ':~';
            END LOOP;
        END IF;
        condition := '(' || condition || ')';
        -- Words that say little are asked for where there are no others, or where capitals say that they are names.
        IF cardinality(stems) > 0 OR char_length(word) > 1 AND asked <> upper(asked)
            AND asked ~ ('\m' || upper(word) || '\M')
        THEN
            conditions := conditions || condition;
        ELSE
            needless := needless || condition;
        END IF;
        EXIT WHEN cardinality(conditions) = 12;
    END LOOP;
    IF conditions = '{}' THEN
        conditions := needless[:12];
    END IF;
    IF conditions = '{}' THEN
        RETURN '{}';
    END IF;
    query := array_to_string(conditions, ' & ');
    RETURN ARRAY[
        replace(replace(query, ':~*', ':*'), ':~', ''),
        replace(query, '~', 'A'), replace(query, '~', 'AB'), replace(query, '~', 'ABC')
    ];
END $$
"""

EVENT_DOCUMENTS = """
CREATE FUNCTION event_documents(ids uuid[])
RETURNS TABLE (
    event_id uuid, starts_at timestamptz, created_at timestamptz, is_archived boolean, words tsvector
)
LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
    SELECT events.id, events.starts_at, events.created_at, events.status = 'ARCHIVED', search_document(
        events.title,
        concat_ws(
            ' ', event_categories.name_ru, event_categories.name_en,
            (
                SELECT string_agg(concat_ws(' ', interests.name_ru, interests.name_en), ' ')
                FROM event_interests JOIN interests ON interests.id = event_interests.interest_id
                WHERE event_interests.event_id = events.id
            ),
            (
                SELECT string_agg(concat_ws(' ', service_types.name_ru, service_types.name_en), ' ')
                FROM services JOIN service_types ON service_types.id = services.service_type_id
                WHERE services.event_id = events.id AND services.cancelled_at IS NULL
            )
        ),
        concat_ws(' ', venues.name, venues.address),
        events.description
    )
    FROM events
    JOIN event_categories ON event_categories.id = events.category_id
    JOIN venues ON venues.id = events.venue_id
    WHERE events.id = ANY (ids)
$$
"""

CLUB_DOCUMENTS = """
CREATE FUNCTION club_documents(ids uuid[]) RETURNS TABLE (club_id uuid, words tsvector)
LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
    SELECT clubs.id, search_document(
        clubs.name,
        (
            SELECT string_agg(concat_ws(' ', interests.name_ru, interests.name_en), ' ')
            FROM club_interests JOIN interests ON interests.id = club_interests.interest_id
            WHERE club_interests.club_id = clubs.id
        ),
        NULL,
        clubs.description
    )
    FROM clubs WHERE clubs.id = ANY (ids)
$$
"""


def write_words(kind: str, *columns: str) -> str:
    """A function that writes the words of some events or clubs anew.

    Their rows are locked first: who waited there reads afterwards what the other one has written.
    """
    new = ", ".join(f"{column} = excluded.{column}" for column in columns)
    differs = " OR ".join(f"{kind}_words.{column} IS DISTINCT FROM excluded.{column}" for column in columns)
    return f"""
    CREATE FUNCTION write_{kind}_words(ids uuid[]) RETURNS void LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
    BEGIN
        PERFORM FROM {kind}_words WHERE {kind}_id = ANY (ids) ORDER BY {kind}_id FOR UPDATE;
        INSERT INTO {kind}_words ({kind}_id, {", ".join(columns)})
        SELECT {kind}_id, {", ".join(columns)} FROM {kind}_documents(ids)
        ON CONFLICT ({kind}_id) DO UPDATE SET {new} WHERE {differs};
    END $$
    """


ROW_TRIGGERS = [
    ("event", "events", "title, description, category_id, venue_id", "NEW.id"),
    ("event", "services", "service_type_id, cancelled_at", "NEW.event_id"),
    ("event", "venues", "name, address", "id FROM events WHERE venue_id = NEW.id"),
    ("event", "event_categories", "name_ru, name_en", "id FROM events WHERE category_id = NEW.id"),
    ("event", "interests", "name_ru, name_en", "event_id FROM event_interests WHERE interest_id = NEW.id"),
    ("event", "service_types", "name_ru, name_en", "event_id FROM services WHERE service_type_id = NEW.id"),
    ("club", "clubs", "name, description", "NEW.id"),
    ("club", "interests", "name_ru, name_en", "club_id FROM club_interests WHERE interest_id = NEW.id"),
]
"""What is written anew where some columns of a row have changed: kind, table, columns, ids."""
STATEMENT_TRIGGERS = [
    ("event", "events", "id", ("INSERT",)),
    ("event", "event_interests", "event_id", ("INSERT", "DELETE")),
    ("event", "services", "event_id", ("INSERT", "DELETE")),
    ("club", "clubs", "id", ("INSERT",)),
    ("club", "club_interests", "club_id", ("INSERT", "DELETE")),
]
"""What is written anew where rows come or go, once for each statement: kind, table, ids."""

MOVE_EVENT = """
CREATE FUNCTION events_move_words() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    UPDATE event_words
    SET starts_at = NEW.starts_at, created_at = NEW.created_at, is_archived = NEW.status = 'ARCHIVED'
    WHERE event_id = NEW.id;
    RETURN NULL;
END $$
"""


def make_triggers() -> list[str]:
    made = [
        MOVE_EVENT,
        "CREATE TRIGGER events_move_words AFTER UPDATE OF starts_at, created_at, status ON events FOR EACH ROW WHEN "
        "((NEW.starts_at, NEW.created_at, NEW.status) IS DISTINCT FROM (OLD.starts_at, OLD.created_at, OLD.status)) "
        "EXECUTE FUNCTION events_move_words()",
    ]
    for kind, table, columns, ids in ROW_TRIGGERS:
        name = f"{table}_change_{kind}_words"
        new, old = (", ".join(f"{row}.{column}" for column in columns.split(", ")) for row in ("NEW", "OLD"))
        made += [
            f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$ BEGIN "
            f"PERFORM write_{kind}_words(ARRAY(SELECT {ids})); RETURN NULL; END $$",
            f"CREATE TRIGGER {name} AFTER UPDATE OF {columns} ON {table} FOR EACH ROW "
            f"WHEN (({new}) IS DISTINCT FROM ({old})) EXECUTE FUNCTION {name}()",
        ]
    for kind, table, key, actions in STATEMENT_TRIGGERS:
        name = f"{table}_write_{kind}_words"
        made.append(
            f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$ BEGIN "
            f"PERFORM write_{kind}_words(ARRAY(SELECT DISTINCT {key} FROM changed)); RETURN NULL; END $$"
        )
        for action in actions:
            rows = "NEW" if action == "INSERT" else "OLD"
            made.append(
                f"CREATE TRIGGER {name}_{action.lower()} AFTER {action} ON {table} "
                f"REFERENCING {rows} TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION {name}()"
            )
    return made


def drop_triggers() -> list[str]:
    tables = [(f"{table}_change_{kind}_words", table, [""]) for kind, table, *_ in ROW_TRIGGERS]
    tables += [
        (f"{table}_write_{kind}_words", table, [f"_{action.lower()}" for action in actions])
        for kind, table, _, actions in STATEMENT_TRIGGERS
    ]
    tables.append(("events_move_words", "events", [""]))
    dropped = []
    for name, table, endings in tables:
        dropped += [f"DROP TRIGGER {name}{ending} ON {table}" for ending in endings]
        dropped.append(f"DROP FUNCTION {name}()")
    return dropped


GENERATED = {
    "venues": "search_document(name, NULL, address, NULL)",
    "interests": "search_document(name_ru || ' ' || name_en, NULL, NULL, NULL)",
    "service_types": "search_document(name_ru || ' ' || name_en, NULL, NULL, "
    "coalesce(description_ru, '') || ' ' || coalesce(description_en, ''))",
}
FORMER_TEXTS = {
    "venues": "name || ' ' || coalesce(address, '')",
    "clubs": "name || ' ' || coalesce(description, '')",
    "events": "title || ' ' || coalesce(description, '')",
}


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    run = op.get_bind().exec_driver_sql
    for function in (WORDS, LEXEMES, DOCUMENT, ALIKE % forms(), QUERIES):
        run(function)
    for table in ("events", "clubs", "venues"):
        op.drop_column(table, "search")
    for table, document in GENERATED.items():
        run(f"ALTER TABLE {table} ADD COLUMN search tsvector GENERATED ALWAYS AS ({document}) STORED")
    run("CREATE INDEX ix_venues_search ON venues USING gin (search)")
    op.create_table(
        "event_words",
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("is_archived", sa.Boolean(), nullable=False),
        sa.Column("words", postgresql.TSVECTOR(), nullable=False),
        sa.ForeignKeyConstraint(["event_id"], ["events.id"], name="fk_event_words_event_id_events", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("event_id", name="pk_event_words"),
    )
    op.create_table(
        "club_words",
        sa.Column("club_id", sa.Uuid(), nullable=False),
        sa.Column("words", postgresql.TSVECTOR(), nullable=False),
        sa.ForeignKeyConstraint(["club_id"], ["clubs.id"], name="fk_club_words_club_id_clubs", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("club_id", name="pk_club_words"),
    )
    run(EVENT_DOCUMENTS)
    run(CLUB_DOCUMENTS)
    run(write_words("event", "starts_at", "created_at", "is_archived", "words"))
    run(write_words("club", "words"))
    for kind in ("event", "club"):
        run(f"SELECT write_{kind}_words(ARRAY(SELECT id FROM {kind}s))")
        run(f"CREATE INDEX ix_{kind}_words_words ON {kind}_words USING gin (words)")
    for statement in make_triggers():
        run(statement)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    run = op.get_bind().exec_driver_sql
    for statement in drop_triggers():
        run(statement)
    for kind in ("event", "club"):
        run(f"DROP FUNCTION write_{kind}_words(uuid[])")
        run(f"DROP FUNCTION {kind}_documents(uuid[])")
        op.drop_table(f"{kind}_words")
    for table in GENERATED:
        op.drop_column(table, "search")
    for table, text in FORMER_TEXTS.items():
        folded = f"translate({text}, 'ёЁ', 'еЕ')"
        words = f"to_tsvector('russian', {folded})"
        if table != "venues":
            words += f" || to_tsvector('english', {folded})"
        run(f"ALTER TABLE {table} ADD COLUMN search tsvector GENERATED ALWAYS AS ({words}) STORED")
        run(f"CREATE INDEX ix_{table}_search ON {table} USING gin (search)")
    for function in (
        "search_queries(text)",
        "search_alike(text, text)",
        "search_document(text, text, text, text)",
        "search_lexemes(text, text)",
        "search_words(text, boolean)",
    ):
        run(f"DROP FUNCTION {function}")
