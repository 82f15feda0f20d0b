"""Translations: what a form says beside the name of a secret, in many languages, and passwords that are none."""

from __future__ import annotations

from bridge.redact import Redactor
from tests.cases import each_case

REDACTOR = Redactor()
LABELS = """Passwort bestätigen|Neues Passwort|Zugriffstoken|Geheimer Schlüssel|Zugangsdaten|Einmalcode|Mot de passe|Confirmer le mot de passe
Clé d'API|Jeton d’accès|Clé secrète|Identifiants|Code à usage unique|Contraseña|Confirmar contraseña|Clave secreta|Credenciales|Senha|Chave de API
Credenciais|Conferma password|Chiave segreta|Credenziali|Codice monouso|Wachtwoord bevestigen|API-sleutel|Inloggegevens|Potwierdź hasło|Klucz tajny
Dane logowania|Подтвердите пароль|Секретный ключ|Учётные данные|Підтвердіть пароль|Облікові дані|Potvrďte heslo|Tajný klíč|Přihlašovací údaje
Bekräfta lösenord|Hemlig nyckel|Bekræft adgangskode|API-nøgle|Vahvista salasana|Käyttöoikeustunnus|Jelszó megerősítése|Titkos kulcs|Erişim belirteci
Parola|Confirmă parola|Cheie secretă|Επιβεβαίωση κωδικού|Κλειδί API|Μυστικό κλειδί|אימות סיסמה|מפתח API|تأكيد كلمة المرور|مفتاح API|पासवर्ड की पुष्टि करें
एपीआई कुंजी|ยืนยันรหัสผ่าน|Xác nhận mật khẩu|Khóa API|Konfirmasi kata sandi|Kunci rahasia|确认密码|API 密钥|パスワード(確認)|秘密鍵|비밀번호 확인|API 키|Bekreft passord
One-time code|Confirm password|API key""".replace("\n", "|").split("|")


@each_case("label", LABELS)
def test_a_translation_stays(label: str) -> None:
    """Two of three were replaced."""
    for name in ("password", "passwordConfirm", "apiKey", "secretKey", "token"):
        assert REDACTOR.value({name: label}) == {name: label}
        for text in (f'"{name}": "{label}"', f"{name}: {label}\n", f"login.{name}={label}\n"):
            assert REDACTOR.text(text) == text


@each_case(
    "secret",
    [
        "motdepasse-é", "Schlüßel-Ddznuo", "пароль123", "Correct Horse Battery Staple", "nickel indigo pebble quartz", "Otterwalrus", "Bärenfell", "密码x9kQ2",
        "otter-walrus-hazel", "Kunci7API",
    ],
)  # fmt: skip
def test_a_password_of_words_is_no_translation(secret: str) -> None:
    assert secret not in str(REDACTOR.value({"password": secret}))
    assert secret not in REDACTOR.text(f'"password": "{secret}"')


def test_a_phrase_like_a_sentence_goes_below_its_own_name() -> None:
    assert "Purple monkey" not in str(REDACTOR.value({"passphrase": "Purple monkey dishwasher"}))
