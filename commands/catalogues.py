"""What an empty database begins with: entries of the catalogues in Russian and English, and three venues."""

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
]
