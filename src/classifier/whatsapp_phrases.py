"""What WhatsApp itself writes where a message would stand, in the languages we know it in.

Only a message that says exactly one of these counts as none: what is missing here is scored like any text, and nobody
hides a message by adding a phrase to it. Compared without case, invisible marks, ``<>`` and a full stop at the end.
"""

from __future__ import annotations

__all__ = ["AFTERNOON", "DELETED", "EDITED", "MEDIA", "MORNING"]

# Words that tell the half of the day, without case, dots and spaces.
MORNING = frozenset(
    """am a 上午 早上 凌晨 清晨 午前 오전 ص öö sa πμ קר ق.ظ पूर्वाह्न পূর্বাহ্ণ น ก่อนเที่ยง fm de pagi""".split()  # noqa: SIM905
) | {"قظ", "dop", "ряд"}
AFTERNOON = frozenset(
    """pm p 下午 晚上 中午 傍晚 午後 오후 م ös ch μμ אחה״צ अपराह्न অপরাহ্ণ หลังเที่ยง em du malam""".split()  # noqa: SIM905
) | {"بظ", "odp"}

MEDIA = frozenset(
    phrase.casefold()
    for phrase in (
        "Media omitted", "image omitted", "video omitted", "audio omitted", "sticker omitted", "GIF omitted",
        "document omitted", "Contact card omitted", "video note omitted",
        "Medien ausgeschlossen", "Medien weggelassen", "Bild weggelassen", "Video weggelassen", "Audio weggelassen",
        "Sticker weggelassen", "GIF weggelassen", "Dokument weggelassen", "Kontaktkarte ausgelassen",
        "Multimedia omitido", "Archivo omitido", "Archivo multimedia omitido", "imagen omitida", "video omitido",
        "vídeo omitido", "audio omitido", "sticker omitido", "GIF omitido", "documento omitido",
        "Tarjeta de contacto omitida",
        "Médias omis", "Fichier omis", "Fichier multimédia exclu", "image absente", "vidéo absente", "audio omis",
        "sticker omis", "GIF retiré", "document manquant", "Fiche contact omise",
        "Media omessi", "immagine omessa", "video omesso", "audio omesso", "sticker non incluso", "GIF esclusa",
        "documento omesso",
        "Mídia oculta", "Mídia omitida", "Arquivo de mídia oculto", "Ficheiro não revelado", "imagem ocultada",
        "imagem omitida", "áudio ocultado", "áudio omitido", "figurinha omitida",
        "Media weggelaten", "afbeelding weggelaten", "video weggelaten", "audio weggelaten", "sticker weggelaten",
        "GIF weggelaten", "document weggelaten",
        "Medya dahil edilmedi", "Medya atlanmış", "görüntü dahil edilmedi", "video dahil edilmedi",
        "ses dahil edilmedi", "Çıkartma dahil edilmedi", "GIF dahil edilmedi", "belge dahil edilmedi",
        "Без медиафайлов", "Файл пропущен", "изображение отсутствует", "видео отсутствует", "аудиофайл отсутствует",
        "стикер отсутствует", "документ отсутствует", "GIF отсутствует",
        "Media tidak disertakan", "gambar tidak disertakan", "video tidak disertakan", "audio tidak disertakan",
        "stiker tidak disertakan",
        "تم استبعاد الوسائط", "الوسائط محذوفة", "الصورة محذوفة", "الفيديو محذوف",
        "メディアは省略されました", "メディアは含まれていません", "画像は含まれていません", "動画は含まれていません",
        "ビデオは含まれていません", "音声は含まれていません", "スタンプは含まれていません",
        "미디어 파일 생략됨", "미디어 파일 제외됨", "미디어 제외됨", "사진 생략됨", "동영상 생략됨", "이모티콘 생략됨",
        "媒体文件已省略", "省略多媒体文件", "媒体文件省略", "图像已忽略", "图片已忽略", "视频已忽略",
        "音频已忽略", "贴图已忽略", "不包含媒體", "多媒體檔案省略", "媒體已略去", "忽略圖片", "忽略影片",
        "忽略貼圖", "忽略語音",
        "pominięto multimedia", "Media utelämnade", "Medier udeladt", "Media jätettiin pois", "Média vynechána",
        "मीडिया छोड़ दिया गया", "मीडिया शामिल नहीं किया गया",
    )
)  # fmt: skip

DELETED = frozenset(
    phrase.casefold()
    for phrase in (
        "This message was deleted", "You deleted this message", "This message was deleted by admin",
        "Diese Nachricht wurde gelöscht", "Du hast diese Nachricht gelöscht",
        "Se eliminó este mensaje", "Este mensaje fue eliminado", "Eliminaste este mensaje",
        "Ce message a été supprimé", "Vous avez supprimé ce message",
        "Questo messaggio è stato eliminato", "Hai eliminato questo messaggio",
        "Mensagem apagada", "Esta mensagem foi apagada", "Você apagou esta mensagem", "Apagou esta mensagem",
        "Dit bericht is verwijderd", "U hebt dit bericht verwijderd",
        "Bu mesaj silindi", "Bu mesajı sildiniz",
        "Данное сообщение удалено", "Вы удалили данное сообщение",
        "Pesan ini dihapus", "Pesan ini telah dihapus", "Anda menghapus pesan ini", "Anda telah menghapus pesan ini",
        "تم حذف هذه الرسالة", "لقد حذفت هذه الرسالة",
        "このメッセージは削除されました", "メッセージを削除しました",
        "삭제된 메시지입니다", "메시지를 삭제했습니다",
        "此消息已删除", "您删除了此消息", "您已删除此消息", "此訊息已刪除", "您已刪除此訊息", "這則訊息已刪除",
        "Ta wiadomość została usunięta", "यह संदेश हटा दिया गया था", "यह मैसेज हटा दिया गया",
    )
)  # fmt: skip

# Added to the end of a message that was changed later; the message counts without it.
EDITED = (
    "<This message was edited>", "<Diese Nachricht wurde bearbeitet.>", "<Diese Nachricht wurde bearbeitet>",
    "<Se editó este mensaje.>", "<Ce message a été modifié>", "<Questo messaggio è stato modificato>",
    "<Mensagem editada>", "<Dit bericht is bewerkt>", "<Bu mesaj düzenlendi>", "<Сообщение изменено>",
    "<Данное сообщение изменено>", "<Pesan ini diedit>", "<このメッセージは編集されました>", "<消息已编辑>",
    "<此消息已编辑>", "<此訊息已編輯>", "<تم تعديل هذه الرسالة>",
)  # fmt: skip
