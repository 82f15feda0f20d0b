"""How the larger languages name a password, a key, a code, and what ties a value to the name.

Data only, as dictionaries and the translations of common programs have it. The English words are in
`words.py`; these stand in sentences, between other words, and carry endings.
"""

# ruff: noqa: E501 - a row of a table is read on one line

from __future__ import annotations

from typing import Final

# Stems: what is built with them (`Datenbankpasswort`, `lösenordet`, `паролем`) is meant as well.
PASSWORDS: Final = (
    "la password", "le password", "una password", "nuova password", "password di ", "password del", "password da ", "password per ", "password für ", "password voor ", "password van ", "password till ", "password til ",
    "passwort", "kennwort", "losungswort", "zugangswort", "mot de passe", "mots de passe", "phrase secrète", "phrase de passe",
    "contraseña", "contrasena", "contrasenya", "frase de contraseña", "senha", "palavra-passe", "palavra passe", "parola d'ordine", "wachtwoord", "wachtzin",
    "hasło", "hasła", "hasłem", "haslo", "heslo", "hesla", "heslem", "lösenord", "losenord", "lösenfras", "adgangskode", "kodeord", "passord",
    "salasana", "salasanan", "tunnuslause", "salasõna", "parool", "slaptažod", "jelszó", "jelszav", "parola", "parolă", "şifre", "sifre", "lozink", "zapork", "geslo",
    "парол", "гасло", "гаслом", "лозинк", "κωδικός πρόσβασης", "κωδικό πρόσβασης", "κωδικός", "συνθηματικό", "סיסמ", "כלמת המרור", "كلمة المرور", "كلمة السر", "رمز عبور", "گذرواژه",
    "पासवर्ड", "পাসওয়ার্ড", "รหัสผ่าน", "mật khẩu", "kata sandi", "katalaluan", "パスワード", "パスフレーズ", "合言葉", "密码", "密碼", "口令", "비밀번호", "패스워드", "암호",
)  # fmt: skip
KEYS: Final = (
    "api-schlüssel", "api schlüssel", "zugriffsschlüssel", "zugangsschlüssel", "geheimschlüssel", "lizenzschlüssel", "zugriffstoken", "zugangstoken",
    "token de acceso", "token de acesso", "token di accesso", "token d'accès", "token dostępu", "token de api", "clé api", "clé d'api", "clé de l'api", "clé secrète", "clé d'accès", "clé privée", "jeton", "clave api", "clave de api", "clave de la api", "clave secreta", "clave de acceso", "clave privada",
    "chave api", "chave de api", "chave da api", "chave secreta", "chave de acesso", "chave privada", "chiave api", "chiave segreta", "chiave di accesso", "chiave privata",
    "api-sleutel", "toegangssleutel", "geheime sleutel", "toegangstoken", "klucz api", "klucz dostępu", "tajny klucz", "klíč api", "tajný klíč", "api-klíč", "api-nyckel", "åtkomstnyckel", "hemlig nyckel",
    "api-nøgle", "adgangsnøgle", "api-nøkkel", "tilgangsnøkkel", "api-avain", "salainen avain", "api anahtar", "gizli anahtar", "erişim anahtar", "api-kulcs", "titkos kulcs", "cheie api", "cheia api", "cheie secretă",
    "api-ключ", "ключ api", "ключ доступа", "ключом доступа", "секретный ключ", "секретного ключа", "секретним ключем", "секретний ключ", "токен", "κλειδί api", "мастер-ключ",
    "密钥", "密鑰", "金鑰", "秘钥", "令牌", "apiキー", "api キー", "アクセスキー", "シークレットキー", "秘密鍵", "トークン", "api키", "api 키", "액세스 키", "시크릿 키", "비밀 키", "토큰", "khóa api", "kunci api", "kunci rahasia", "مفتاح api", "מפתח api",
)  # fmt: skip
CODES: Final = (
    "bestätigungscode", "sicherheitscode", "einmalcode", "anmeldecode", "verifizierungscode", "freischaltcode", "prüfcode", "einmalpasswort", "zugangscode", "code de vérification", "code de confirmation", "code de sécurité", "code à usage unique", "code de connexion", "code d'accès", "code d'authentification",
    "código de verificación", "código de confirmación", "código de seguridad", "código de acceso", "código de un solo uso", "código de autenticación", "código de verificação", "código de confirmação", "código de segurança", "código de acesso", "código de autenticação", "código de uso único",
    "codice di verifica", "codice di conferma", "codice di sicurezza", "codice di accesso", "codice monouso", "verificatiecode", "bevestigingscode", "beveiligingscode", "inlogcode", "eenmalige code", "toegangscode",
    "kod weryfikacyjny", "kod potwierdzający", "kod dostępu", "kod jednorazowy", "kod bezpieczeństwa", "ověřovací kód", "overovací kód", "potvrzovací kód", "verifieringskod", "bekräftelsekod", "engångskod", "säkerhetskod", "inloggningskod",
    "bekræftelseskode", "engangskode", "sikkerhedskode", "bekreftelseskode", "bekreftelseskoden", "sikkerhetskode", "vahvistuskoodi", "turvakoodi", "kertakoodi", "doğrulama kod", "onay kod", "güvenlik kod", "giriş kod", "ellenőrző kód", "megerősítő kód", "biztonsági kód", "cod de verificare", "codul de verificare", "cod de securitate",
    "код подтверждения", "код проверки", "код доступа", "код безопасности", "код для входа", "код входа", "проверочный код", "одноразовый код", "одноразовый пароль", "код підтвердження", "код доступу", "код для входу", "код за потвърждение", "κωδικός επαλήθευσης", "κωδικός επιβεβαίωσης",
    "mã xác minh", "mã xác nhận", "mã xác thực", "kode verifikasi", "kod pengesahan", "รหัสยืนยัน", "رمز التحقق", "رمز التأكيد", "קוד אימות", "קוד האימות", "सत्यापन कोड", "認証コード", "確認コード", "検証コード", "セキュリティコード", "ワンタイムコード", "ワンタイムパスワード", "暗証番号", "验证码", "驗證碼", "校验码", "动态码", "动态密码", "動態密碼", "认证码", "인증번호", "인증 번호", "인증코드", "인증 코드", "확인 코드", "확인코드", "보안 코드",
)  # fmt: skip

# Verbs that say what the password is, and words that may stand between them and it.
SAY: Final = """lautet lauten heißt ist war wird bleibt est était sera devient c'est vaut es era será sería queda quedó sigue está é è foi ficou fica será passou sarà era rimane diventa resta is was wordt luidt blijft werd
    jest to był będzie brzmi pozostaje je bude byl bylo zní znie är var blev blir heter lyder er blev bliver lyder var on oli este era va είναι ήταν это теперь был будет стал є це був тепер буде стал е беше
    olarak oldu olur adalah ialah menjadi là هو هي הוא היא है हैं คือ เป็น""".split()
NOW: Final = """jetzt nun künftig ab momentan aktuell weiterhin also maintenant désormais toujours ahora actualmente agora atualmente adesso ora attualmente nu thans voortaan teraz obecnie nyní teď numera nå
    nyt acum τώρα теперь сейчас тепер зараз şimdi artık sekarang bây giờ de immer noch encore todavía ainda ancora nog jeszcze följande folgendes wie folgt le suivant el siguiente o seguinte il seguente
    le la el o il das de het den det""".split()
# Prepositions of a change: `von x auf y geändert`, `changé en x`, `на x`. Only in a sentence that changes.
TO: Final = """von vom del da dal van z ze från fra od od auf zu in durch en à par pour a por para como al em con com per su naar in op door met na przez jako za till med mot til ke với thành на в""".split()
CHANGE: Final = """änder geänder setz gesetzt ersetz neu erneuer zurückgesetzt umgestellt chang réinitialis remplac modifi défini mis mettre cambi restablec reemplaz actualiz establec mud troc alter redefin substitu atualiz
    cambiat reimpost sostitu aggiorn impost gewijzigd wijzig verander vervang ingesteld zmien ustawi zresetow zastąp změn nastav obnov ändra bytt byt ställ satt återställ ersat ændr skift sat bytte endr
    vaihd asetet muut değiş ayarl güncell sıfırl schimb resetat cserél állít módosít смен измен замен установ обнов сброс помен змін встанов замін онов diubah diganti ubah ganti đổi đặt""".split()
# With: `mit dem Passwort x`.
WITH: Final = """mit und sowie avec et con y com e met en z i s a med och og med ja ile ve dengan dan với và с и та з і""".split()
# Behind a name in scripts without blanks: particles and verbs.
PARTICLES: Final = (
    "为", "為", "是", "成", "は", "が", "を", "に", "も", "은", "는", "이", "가", "을", "를", "คือ",
)  # fmt: skip
