"""Golden messages: scored at training, stored in the release, and scored again whenever it is loaded.

They cover the languages, the evasions and the odd input a release must score alike everywhere.
"""

GOLDEN = (
    "Hi! I am looking for a partner to practise Spanish on weekends.",
    "you are a stupid pathetic idiot and nobody wants you here",
    "u r so beautiful, will you be my girlfriend? 😘",
    "Earn $500 a day from home!!! Click the link in my profile now",
    "all of them are animals and should go back where they came from",
    "The president lied again, vote them out in the next election.",
    "add me on whatsapp +1 555 0142 or mail kim.j@example.com",
    "How do you say 'idiot' in Korean?",
    "y0u 1d10t, s t u p i d ｆｏｏｌ, ѕhut uр",
    "Eres muy guapa, ¿tienes novio?",
    "加我微信 lihua_8831 便宜课程",
    "今度ふたりで会いませんか？",
    "너 진짜 멍청하다",
    "أنت غبي جدا",
    "ты просто тупой",
    "",
    "😀",
    "\u202e\u0000 \ud83d",
)
