"""Passwords, keys and codes told in sentences of other languages; and sentences that tell none."""

from __future__ import annotations

from bridge.redact import Redactor
from tests.cases import each_case

PASSWORD = "brisk-Otter" + "-5518"
KEY = "wR7kd92LmQ" + "x4Tz8nVb3c"
CODE = "774" + "190"

PASSWORDS = """Das Passwort für den Zugang lautet {}
Das neue Kennwort vom NAS wurde auf {} gesetzt.
{} ist das Passwort für den Drucker
Melde dich mit Benutzer dana und Passwort {} an
Für den Jenkins gilt ab sofort das Passwort „{}“.
Le mot de passe de la base est désormais {} (ne pas diffuser)
Voici le mot de passe provisoire : « {} »
J'ai mis le mot de passe root à {} pour l'instant
La contraseña del servidor nuevo es: {}
He cambiado la contraseña de root por {}
Usa la contraseña {} para entrar al panel
A senha do banco de produção é {}
Alterei a senha do wifi para {}
La password dell'utente svc è {}, non dirlo
Het wachtwoord voor de router is nu {}
Ik heb het wachtwoord gewijzigd naar {}
Hasło do bazy to {} i login admin
Ustawiłem nowe hasło na {}
Пароль администратора теперь {}
Временный пароль для входа — {}
логин и пароль: admin / {}
Новий пароль: {}
Lösenordet till databasen är {}
Jag bytte lösenord till {}
Adgangskoden til serveren er {}
Salasana on {}
Yönetici şifresi: {}
Geçici parolanız {} olarak ayarlandı
Heslo k databázi je {}
Az adatbázis jelszava: {}
Mật khẩu là {}
Kata sandi database adalah {}
Ο κωδικός πρόσβασης είναι {}
סיסמת המנהל היא {}
كلمة المرور هي {}
รหัสผ่านคือ {}
पासवर्ड है {}
管理员密码为{}
把数据库的密码重置为「{}」
密码：{}，首次登录请修改
パスワードは {} です
初期パスワードは「{}」になります
パスワードを {} に変更しました
관리자 비밀번호는 {} 입니다
비밀번호를 {}로 변경했습니다""".split("\n")
KEYS = """API-Schlüssel lautet {}
la clave de api es {}
Jeton d'accès : {}
Ваш токен: {}
ключ доступа к хранилищу: {}
你的API密钥是{}
アクセスキーは {} です""".split("\n")
CODES = """Dein Bestätigungscode lautet {}.
{} ist Ihr Einmalcode für die Anmeldung
Votre code de vérification est {}
{} es tu código de verificación
Il tuo codice di verifica è {}
Uw verificatiecode is {}
Twój kod weryfikacyjny to {}
Код подтверждения: {}. Никому не говорите
您的验证码是{},5分钟内有效
確認コードは{}です
[Shop] 인증번호 [{}] 를 입력하세요
Doğrulama kodunuz: {}""".split("\n")
HARMLESS = """Das Passwort ist zu kurz.
Passwort für Benutzer svc2 wurde geändert
Das Passwort auf Server web-01 wurde auf Wunsch geändert
Das Passwort für Windows10 ist abgelaufen
Das Passwort wird mit bcrypt und 12 Runden gehasht
Das Passwort liegt in /etc/app/config2.yaml
Das Passwort wurde am 2024-10-03T10:00:00Z geändert
Passwort falsch: Fehler E1045
Kennwort geändert in Commit 3f9a2b7c
Das Passwort ist dasselbe wie bei web-node-14
Das Passwort ist max. 72 Zeichen (bcrypt)
Passwort siehe Ticket OPS-1234
Das Passwort ist <your-password>
Le mot de passe doit contenir 8 caractères
Le mot de passe est dans le fichier secrets2.env
Mot de passe oublié ? https://acme.example/reset
Contraseña inválida (código ERR_4012)
La contraseña de PostgreSQL15 es la de siempre
A senha foi atualizada na versão 3.2.1-beta4
Hasło zmieniono w commicie 8d1f03ac77e2
Пароль должен содержать не менее 8 символов
Пароль хранится в переменной DB_PASSWORD2
пароль меняется в файле settings2.yml на строке 48
Пароль: ${DB_PASSWORD}
密码长度为8到16位
密码错误，错误码 E10024
パスワードは8文字以上です
パスワードはSHA-256でハッシュされます
비밀번호는 8자 이상이어야 합니다
Parola en az 8 karakter olmalı
Bestätigungscode muss 6 Ziffern haben
O código de acesso ao repositório mudou em 2023
確認コードは6桁です
Le jeton est invalide (401)
密钥长度为 2048
Der Token ist eine JWT mit RS256 und kid=main-2""".split("\n")


@each_case(
    ("sentence", "secret"),
    [
        *((sentence, PASSWORD) for sentence in PASSWORDS),
        *((sentence, KEY) for sentence in KEYS),
        *((sentence, CODE) for sentence in CODES),
    ],
)
def test_what_a_sentence_of_another_language_tells_goes(sentence: str, secret: str) -> None:
    redactor = Redactor()
    before, after = sentence.split("{}")
    result = redactor.text(sentence.format(secret))
    assert secret not in result
    assert result.startswith(before)
    assert result.endswith(after)
    assert redactor.text(result) == result


@each_case("sentence", HARMLESS)
def test_what_a_sentence_says_of_a_password_stays(sentence: str) -> None:
    assert Redactor().text(sentence) == sentence


def test_a_change_tells_the_old_password_and_the_new_one() -> None:
    old = "quiet-Heron" + "-9021"
    result = Redactor().text(f"Das Passwort wurde von {old} auf {PASSWORD} geändert")
    assert old not in result
    assert PASSWORD not in result


def test_a_second_pass_reads_no_further_than_the_marker_of_the_first() -> None:
    secret = "9eSnDM4nCktogtUd" + "dIcL3VUllFtOIQdS"
    once = Redactor().text(f"пароль=%3DBearer passwordpasswordu:p@h{secret}")
    assert "[REDACTED:password]" in once
    assert Redactor().text(once) == once
