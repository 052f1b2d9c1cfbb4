"""The commonest passwords of those that are long enough: they are the first that anyone tries."""

from __future__ import annotations

ROWS = (
    "01234567890123456789", "abcdefghijklmnopqrstuvwxyz", "абвгдежзийклмнопрстуфхцчшщъыьэюя",
    "qwertyuiop[]asdfghjkl;'zxcvbnm,./", "qwertyuiopasdfghjklzxcvbnm", "йцукенгшщзхъфывапролджэячсмитьбю",
    "1q2w3e4r5t6y7u8i9o0p", "q1w2e3r4t5y6u7i8o9p0", "1qaz2wsx3edc4rfv5tgb6yhn", "qazwsxedcrfvtgbyhnujm",
    "zaq12wsxcde34rfv", "qweasdzxc123", "qwerasdfzxcv", "1й2ц3у4к5е6н7г8ш9щ0з",
)  # fmt: skip
"""Keys and letters in their order: any part of these, there or back."""

_WORDS = """
1234567890a 123456789a 1234567891 12345678910 1234512345 1234554321 123123123123 1231231234 123321123321 1122334455
112233445566 1020304050 0102030405 1472583690 1478963250 7894561230 7777777777 a123456789 aa12345678 aa123456789
abc1234567 abc123456789 abcd123456 abcd12345678 abcdef123456 admin12345 admin123456 administrator administrator1
asd1234567 asdf123456 asdfghjkl1 asdfghjkl123 asdfasdfasdf barcelona1 baseball123 basketball basketball1 changeme123
changeme1234 charlie123 chelsea123 computer123 default123 dragon12345 football12 football123 guest12345 iloveyou12
iloveyou123 iloveyou1234 internet123 letmein123 letmein1234 liverpool1 liverpool123 login12345 manchester manchester1
master12345 michael123 monkey12345 motherfucker mypassword mypassword1 mypassword123 p@ssw0rd123 p@ssword123
passw0rd123 password01 password1! password12 password123 password123! password1234 password12345 passwordpassword
pokemon123 princess123 q1234567890 qaz1234567 qazwsx12345 qwe1234567 qwer123456 qwerty1234 qwerty12345 qwerty123456
qwerty1234567 qwertyqwerty qwertyuiop1 qwertyuiop123 secret12345 starwars123 sunshine123 superman123 test123456
testtest123 trustno1trustno1 user123456 volleyball welcome123 welcome1234 welcome12345 whatever123 zxcvbnm123
zxcvbnm1234 йцукен12345 йцукен123456 любовь12345 пароль1234 пароль12345 пароль123456 парольпароль привет12345
приветпривет
"""
COMMONEST = frozenset(_WORDS.split())


def is_common(folded: str) -> bool:
    """Whether it is among the first tried. `folded` is without its case."""
    return folded in COMMONEST or any(folded in row or folded[::-1] in row for row in ROWS)
