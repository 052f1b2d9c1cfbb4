"""Names and words of the demo data, in Russian and English."""

from __future__ import annotations

CATEGORIES = [
    ("home-concert", "Квартирник", "Home concert"),
    ("theatre", "Театр", "Theatre"),
    ("bar", "Бар", "Bar"),
    ("cinema", "Кино", "Cinema"),
    ("master-class", "Мастер-класс", "Master class"),
    ("help", "Помощь", "Help"),
]

INTERESTS = [
    ("jazz", "Джаз", "Jazz"),
    ("rock", "Рок", "Rock"),
    ("classical", "Классическая музыка", "Classical music"),
    ("theatre", "Театр", "Theatre"),
    ("cinema", "Кино", "Cinema"),
    ("documentaries", "Документальное кино", "Documentaries"),
    ("board-games", "Настольные игры", "Board games"),
    ("chess", "Шахматы", "Chess"),
    ("ceramics", "Керамика", "Ceramics"),
    ("painting", "Живопись", "Painting"),
    ("photography", "Фотография", "Photography"),
    ("cooking", "Кулинария", "Cooking"),
    ("wine", "Вино", "Wine"),
    ("coffee", "Кофе", "Coffee"),
    ("hiking", "Походы", "Hiking"),
    ("running", "Бег", "Running"),
    ("cycling", "Велосипед", "Cycling"),
    ("languages", "Языки", "Languages"),
    ("books", "Книги", "Books"),
    ("poetry", "Поэзия", "Poetry"),
    ("science", "Наука", "Science"),
    ("programming", "Программирование", "Programming"),
    ("volunteering", "Волонтёрство", "Volunteering"),
    ("history", "История", "History"),
]

SERVICE_TYPES = [
    # slug, Russian, English, capacity, window in days
    ("laundry", "Стирка", "Laundry", 6, 7),
    ("shower", "Душ", "Shower", 8, 7),
    ("haircut", "Стрижка", "Haircut", 6, 7),
    ("clothes", "Выдача одежды", "Clothes", 20, 7),
    ("medical-advice", "Медицинская консультация", "Medical advice", 15, 14),
    ("legal-advice", "Юридическая консультация", "Legal advice", 8, 14),
    ("psychologist", "Психолог", "Psychologist", 5, 14),
    ("hot-meal", "Горячий обед", "Hot meal", 40, 3),
]

VENUES = [
    # name, address, zone, latitude, longitude
    ("Цветной", "Москва, Цветной бульвар", "Europe/Moscow", 55.7717, 37.6205),
    ("Гиляровского", "Москва, улица Гиляровского", "Europe/Moscow", 55.7887, 37.6346),
    ("Ясная", "Екатеринбург, улица Ясная", "Asia/Yekaterinburg", 56.8231, 60.5682),
    ("Дом с роялем", "Москва, Покровка", "Europe/Moscow", 55.7603, 37.6511),
    ("Бар «Подвал»", "Санкт-Петербург, улица Рубинштейна", "Europe/Moscow", 59.9291, 30.3446),
    ("Кинозал «Искра»", "Новосибирск, Красный проспект", "Asia/Novosibirsk", 55.0302, 82.9204),
    ("Малая сцена", "Казань, улица Баумана", "Europe/Moscow", 55.7903, 49.1146),
    ("Гончарная мастерская", "Тверь, набережная", "Europe/Moscow", 56.8587, 35.9176),
    ("The Yard", "London, Hackney", "Europe/London", 51.5450, -0.0553),
    ("Kulturhof", "Berlin, Kreuzberg", "Europe/Berlin", 52.4986, 13.4034),
]

SOCIAL_VENUES = 3
"""So many of the venues, from the first, offer services."""

CLUBS = [
    # name, description, visibility, join policy, kind, interests
    ("Джаз по четвергам", "Слушаем и играем джаз дома у друзей.", "PUBLIC", "OPEN", "CLUB", ["jazz", "classical"]),
    ("Киноклуб «Диафильм»", "Смотрим кино и спорим о нём.", "PUBLIC", "OPEN", "CLUB", ["cinema", "documentaries"]),
    ("Moscow Board Gamers", "Board games in English, every level.", "PUBLIC", "OPEN", "CLUB", ["board-games", "chess"]),
    ("Театральные люди", "Ходим в театр вместе.", "PUBLIC", "APPROVAL", "CLUB", ["theatre", "poetry"]),
    ("Глина и люди", "Керамика для тех, кто начинает.", "PUBLIC", "APPROVAL", "CLUB", ["ceramics", "painting"]),
    ("Supper Society", "We cook for each other once a month.", "UNLISTED", "APPROVAL", "CLUB", ["cooking", "wine"]),
    ("Свои", "Небольшая компания для выходных.", "PRIVATE", "INVITE_ONLY", "GROUP", ["hiking", "cycling"]),
    ("Волонтёры Цветного", "Те, кто помогает на Цветном.", "PRIVATE", "INVITE_ONLY", "CLUB", ["volunteering"]),
]

TITLES: dict[str, list[tuple[str, str]]] = {
    # category: titles with their descriptions
    "home-concert": [
        ("Квартирник: джаз у рояля", "Трио играет стандарты, чай и пироги наши."),
        ("Акустический вечер на Покровке", "Гитара, скрипка и тёплый свет. Приносите пледы."),
        ("Living room jazz", "A small set by a small band for a small audience."),
        ("Песни под гитару", "Поём вместе: рок, барды и всё, что вспомним."),
    ],
    "theatre": [
        ("Идём на «Чайку»", "Встречаемся за полчаса до начала, после обсуждаем."),
        ("Читка новой пьесы", "Актёры читают, зрители спорят."),
        ("Improv night", "No script, no mercy, a lot of laughter."),
    ],
    "bar": [
        ("Бар-хоппинг по Рубинштейна", "Четыре бара за вечер, без спешки."),
        ("Вечер языкового обмена", "Русский и English за одним столом."),
        ("Pub quiz", "Six rounds, teams of five, one winner."),
    ],
    "cinema": [
        ("Кино на плёнке: Тарковский", "Показ с проектора и разговор после."),
        ("Ночь короткого метра", "Двенадцать фильмов молодых режиссёров."),
        ("Documentary Sunday", "One film, one guest, one hour of questions."),
    ],
    "master-class": [
        ("Мастер-класс по керамике", "Лепим чашку, обжиг включён."),
        ("Пельмени с нуля", "Тесто, начинка, лепка и общий стол."),
        ("Portrait photography workshop", "Bring a camera, leave with a portrait."),
        ("Введение в каллиграфию", "Перо, тушь и немного терпения."),
    ],
    "help": [
        ("День помощи", "Стирка, душ, врач, одежда и горячий обед."),
        ("Открытый день центра", "Приходите по записи, волонтёры помогут."),
    ],
}

FIRST_NAMES = ["Алексей", "Мария", "Иван", "Ольга", "Дмитрий", "Елена", "Сергей", "Наталья", "Павел", "Юлия", "Фёдор"]
LAST_NAMES = ["Иваненко", "Смирных", "Попович", "Лебедь", "Козленко", "Новак", "Морозенко", "Волк", "Седых", "Долгих"]
ENGLISH_NAMES = ["Alice Moor", "Ben Archer", "Clara Voss", "Daniel Reed", "Emma Field", "Frank Holt", "Grace Lane"]

REVIEWS = [
    (5, "Лучший вечер за месяц, спасибо!"),
    (5, "Wonderful people, great sound."),
    (4, "Очень тепло, но тесновато."),
    (4, "Well organised, would come again."),
    (3, "Неплохо, начали поздно."),
    (2, "Too loud for a conversation."),
    (5, None),
    (4, None),
]

MESSAGES = [
    "Всем привет! Кто уже едет?",
    "Буду через двадцать минут.",
    "I'm bringing a friend, hope that's fine.",
    "Конечно, ждём!",
    "Где вход?",
    "The green door on the left.",
    "Спасибо всем за вечер.",
    "Когда следующая встреча?",
]

ACCOUNTS = [
    # handle, name, role, locale
    ("ada", "Ада Верная", "ADMIN", "ru"),
    ("max", "Максим Строгий", "MODERATOR", "ru"),
    ("vera", "Вера Добрая", "VOLUNTEER", "ru"),
    ("anna", "Анна Музыкант", "USER", "ru"),
    ("boris", "Boris Traveller", "USER", "en"),
]
PASSWORD = "wingding-demo"
BAN_REASON = "Реклама в чате клуба."
REVISED = " — на час позже"
