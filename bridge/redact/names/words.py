"""The vocabulary: words of key names that mean a secret or do not, and of values that are none.

Data only. Facts: the names used by the configuration of common databases, clouds, frameworks and
libraries, and the words of their documentation in the larger languages.
"""

# ruff: noqa: E501 - a pattern or a row of a table is read on one line

from __future__ import annotations

# A name that ends in one of these holds a secret, whatever stands before it. Word -> kind.
STRONG: dict[str, str] = {
    **dict.fromkeys(
        """password passwd passwort kennwort pwd psw passw passwrd pword passcode userpass dbpass
        rootpass adminpass sshpass smtppass mailpass mypass storepass keypass requirepass
        masterauth bindpw rootpw userpw adminpw bindpass pgpassword mysqlpwd motdepasse mdp
        contrasena contrasenya clave_secreta senha wachtwoord haslo heslo parola sifre losenord
        adgangskode passord salasana jelszo lozinka geslo slaptazodis matkhau katasandi pw
        keystorepass truststorepass secretpass authtok bindcredentials psksecret""".split(),
        "password",
    ),
    **dict.fromkeys(
        "passphrase mnemonic seedphrase recoveryphrase secretphrase passfrase".split(), "passphrase"
    ),
    **dict.fromkeys(
        "secret geheimnis segredo secreto segreto clientsecret appsecret psk consumersecret".split(),
        "secret",
    ),
    **dict.fromkeys(
        """token accesstoken authtoken refreshtoken idtoken apitoken sessiontoken bearertoken
        usertoken bottoken oauthtoken securitytoken bearer jeton""".split(),
        "token",
    ),
    **dict.fromkeys(
        """apikey accesskey secretkey authkey signingkey encryptionkey masterkey accountkey
        sharedkey storagekey subscriptionkey servicekey appkey apisecret licensekey
        sharedaccesskey deploykey""".split(),
        "api-key",
    ),
    **dict.fromkeys("privatekey sshkey rsakey pgpkey gpgkey".split(), "private-key"),
    **dict.fromkeys("authorization authorisation xauth wwwauthorization".split(), "authorization"),
    **dict.fromkeys("cookie setcookie phpsessid jsessionid aspsessionid".split(), "cookie"),
    **dict.fromkeys("jwt".split(), "jwt"),
    **dict.fromkeys("credential".split(), "credential"),
}

# Short numbers and codes: redacted from three digits on. Word -> kind.
CODES = frozenset("pin otp totp mfa cvv cvc cvv2 cvn puk pincode passcode".split())
CODE_BEFORE = frozenset(
    """otp verification security mfa auth authentication backup recovery access sms login
    confirmation 2fa fa twofactor factor totp pin activation pairing unlock time device""".split()
)

# Only text with weight below such a name is a secret: the name alone is often harmless.
WEAK: dict[str, str] = {
    "auth": "credential", "authentication": "credential", "tokens": "token", "secrets": "secret",
    "passwords": "password", "credentials": "credential", "creds": "credential",
    "cred": "credential", "keys": "api-key", "cookies": "cookie", "salt": "secret",
    "pat": "token", "dsn": "credential", "hash": "secret", "pass": "password", "pepper": "secret",
    "csrf": "token", "xsrf": "token", "seed": "secret", "verifier": "secret", "passkey": "api-key",
}  # fmt: skip

# `<one of these> key` is a secret as surely as a password is.
KEY_BEFORE = frozenset(
    """access account admin aes api app application auth authentication authorization backup bot cipher
    client consumer cookie cryption crypto decrypt decryption deploy developer dsa encrypt
    encrypted encryption endpointaccess gpg hmac instrumentation integration jwt keystore kms
    licence license management master mgmt otp peer pgp preshared primaryshared private publish
    publishing push recovery restricted root rsa secret security server service session shared
    sign signing srv ssh subscription symmetric token totp unseal vapid wallet webhook wep wifi wireguard
    wlan wpa wpa2""".split()
)
# `<one of these> key` is a name of something, never a secret.
KEY_HARMLESS = frozenset(
    """result primary foreign public sort partition cache object i18n l10n translation index row map
    unique composite idempotency idempotent dedupe dedup group registry config setting settings
    feature flag shortcut hot arrow enter tab react json lookup hash range candidate natural
    surrogate message event query param parameter item list enum sequence sub dict
    property prop attribute attr column field label metadata locale lang search filter
    from restored hit miss saved s3 redis memcache bucket file path page state store action keyboard any each other no every
    first last next prev previous current new old same duplicate missing invalid unknown
    wrong valid the a an this that your my its which what soft home end escape esc ctrl control
    alt shift return delete backspace known pub verify verification
    verifying answer cost usage rate limit window issue ticket jira sprint epic
    resource entity record document doc node edge graph component element class type kind
    status error msg text string int id idx foo bar sample""".split()
)

# A last word that says "about the secret", not "the secret".
META = frozenset(
    """id ids uuid guid name names count counts type types expires expiry expiration expire expired
    ttl limit limits length len size sizes url uri urls link href endpoint endpoints policy policies
    prefix prefixes suffix enabled disabled required optional algorithm algo alg version format
    label labels description desc hint placeholder path paths file files filename dir directory
    folder location arn ref reference refs source src provider providers var variable env
    field fields column columns header headers param params parameter parameters status
    state valid validity verified at date time timestamp created updated rotated issued age max min
    usage used budget index idx position pos class classname manager service store storage handler
    factory helper helpers util utils validator validation validate strength rules rule error
    errors message messages msg title regex pattern patterns schema mask masked public fingerprint
    thumbprint kid digest checksum scope scopes owner user username email host hostname port region
    mode kind role roles group groups set present exists missing found changed reset
    timeout interval duration seconds ms minutes hours days rotation rotate refresh cache cached
    price cost per rate bucket window stats metric metrics total sum avg mean remaining left
    configured supported available needed prompt question questions visible visibility toggle
    icon color style css html button form page view screen modal dialog input placeholder
    component selector locator test tests spec mock stub interface protocol method methods
    grant flow callback redirect issuer audience subject domain realm issuer vendor tool
    section block template templates mount volume namespace backend engine map list
    array iterator stream parser lexer splitter counter generator resolver getter setter
    keyring chain bytes bits byte bit num number no annotation annotations ending
    typed counted budgeted sha sha1 sha256 md5 lookup info details detail summary preview
    order ordering offset start stop begin logprobs probability ids embedding embeddings
    vocab vocabulary ratio percent percentage hashing hasher encoder decoder cipher
    hashers validators backends encrypted_at tag tags arns session_name comment comments note notes doc docs example
    examples help usage consumer producer review request response requests responses client
    clients server servers action actions event events listener hook hooks middleware
    guard filter filters plugin extension module package library crate binding bindings
    adapter config configuration settings options option opts flag flags property properties
    attribute attributes attr management encryption command commands""".split()
)
# Last words that only say how or where the secret is carried: looked through.
CARRIER = frozenset(
    """value val string str text pem b64 base64 raw plain plaintext encoded current new old
    dev prod production staging stage test testing live sandbox local default main primary secondary
    confirm confirmation confirmed repeat repeated again retype verify 1 2 3 x literal data json
    in clear cleartext override fallback v1 v2 v3 tmp temp hex bin der b base v""".split()
)
# First words of a switch or a measure: `hasPassword`, `max_token`, `isSecret`.
NOT_A_VALUE = frozenset(
    """is has use uses using need needs require requires required enable enabled enables disable
    disabled allow allows allowed show shows hide no skip can should must num max min total count n
    avg validate check checks forgot forgotten with without supports support invalid missing bad
    wrong expired checksum digest""".split()
)
# Words before `token` that make it a unit of text, a cursor or a part of a program.
TOKEN_HARMLESS = frozenset(
    """page next continuation pagination prev previous cursor sync stop eos bos pad unk sep cls mask
    special end start first last cancellation cancel abort design input output prompt
    completion reasoning cached context thinking audio image text lex lexer syntax parse parser
    forward backward sequence word sub per each every any unexpected expected operator keyword identifier
    idempotency lock export oov whitespace comment newline eof placeholder change
    watch starting resume resumption""".split()
)

# Whole names that a word rule would get wrong. Name without separators -> kind.
WHOLE: dict[str, str] = {
    "accesskeyid": "access-key-id", "awsaccesskeyid": "access-key-id", "keyidaccess": "access-key-id",
    "secretaccesskey": "api-key", "awssecretaccesskey": "api-key", "xamzsecuritytoken": "token",
    "xamzsignature": "signature", "privatekeydata": "private-key", "privatekeypem": "private-key",
    "clientkeydata": "private-key", "signedsecret": "secret", "htpasswd": "password",
    "pgpassfile": "", "oldpwd": "", "signingkeyid": "", "askpass": "", "gitaskpass": "", "sshaskpass": "", "bypass": "",
    "compass": "", "tokenize": "", "tokenizer": "", "authority": "", "author": "",
    "recoverycodes": "otp", "backupcodes": "otp", "scratchcodes": "otp",
    "seedwords": "passphrase", "recoverywords": "passphrase", "secretwords": "passphrase",
    "codeverifier": "secret", "sharedaccesssignature": "signature", "sastoken": "token",
    "connectionpassword": "password", "npmauth": "token", "githubpat": "token",
    "aspnetsessionid": "cookie", "connectsid": "cookie", "laravelsession": "cookie", "cisession": "cookie",
    "onetimecode": "otp", "onetimepassword": "otp", "onetimepasscode": "otp",
    "sonarlogin": "token", "clientassertion": "token", "samlresponse": "token", "samlassertion": "token",
    "refreshtokenvalue": "token", "identifiedby": "password", "masteruserpassword": "password",
    "primarykey": "", "secondarykey": "",
}  # fmt: skip

# Names in scripts without word boundaries or Latin letters: found anywhere in the name.
FOREIGN: dict[str, str] = {
    "密码": "password", "密碼": "password", "口令": "password", "暗証番号": "otp", "验证码": "otp",
    "驗證碼": "otp", "パスワード": "password", "비밀번호": "password", "암호": "password", "пароль": "password",
    "пароля": "password", "кодпароль": "password", "гасло": "password", "лозинка": "password",
    "парола": "password", "κωδικός": "password", "κωδικος": "password", "סיסמה": "password",
    "סיסמא": "password", "كلمةالمرور": "password", "كلمةالسر": "password", "رمزعبور": "password",
    "पासवर्ड": "password", "รหัสผ่าน": "password", "密钥": "secret", "密鑰": "secret", "秘钥": "secret",
    "秘密鍵": "private-key", "私钥": "private-key", "私鑰": "private-key", "令牌": "token",
    "トークン": "token", "토큰": "token", "токен": "token", "секрет": "secret", "ключ доступа": "api-key",
    "секретный ключ": "api-key", "закрытый ключ": "private-key", "шифр": "secret", "秘密": "secret",
    "シークレット": "secret", "비밀키": "api-key", "시크릿": "secret", "סוד": "secret", "τοκεν": "token",
    "mật khẩu": "password", "mậtkhẩu": "password", "şifre": "password", "hasło": "password",
    "contraseña": "password", "lösenord": "password", "jelszó": "password", "apikey": "api-key",
    "apiキー": "api-key", "api密钥": "api-key", "api金鑰": "api-key", "访问令牌": "token",
}  # fmt: skip

# Parts of labels beside an input, in the languages that programs are translated to.
LABELS = (
    *"""sekret geheim jeton hemlighet kennwort passwort contrase senha wachtwoord парол hasło heslo lösenord adgangskode passord
    salasan jelszó şifre geheimnis schlüssel zugriffs segredo secreto ключ секрет токен パスワード 密码
    密碼 口令 비밀번호 암호 รหัสผ่าน पासवर्ड كلمة סיסמ κωδικ トークン シークレット キー 令牌 密钥 密鑰 toegangs nyckel
    avain anahtar klucz klíč chiave nøgle nøkkel sleutel kulcs kunci cheie khóa κλειδ klucz mật sandi zugangsdaten einmal identifiant credencia
    credenzial inlog logowan přihlaš parol belirte tunnus מפתח אסימון مفتاح رمز""".split(),
    "mot de passe",
    "de acceso",
    "de acesso",
    "di accesso",
    "d'accès",
    "mật khẩu",
    "clé d",
    "clave de",
)

# Variables of an environment that are no secrets, whatever their value.
PUBLIC_ENV = frozenset(
    """path home lang language lc_all lc_ctype lc_messages term termprogram colorterm shell user
    logname username hostname host port pwd oldpwd shlvl tz editor visual pager display tmpdir tmp
    temp xdg_runtime_dir xdg_config_home xdg_cache_home xdg_data_home node_env rails_env rack_env
    app_env environment env stage mode debug log_level loglevel rust_log rust_backtrace ci
    node_version python_version pythonpath pythonunbuffered node_path node_options gopath goroot
    java_home ld_library_path manpath ps1 ifs columns lines force_color no_color npm_config_registry
    pnpm_home nvm_dir virtual_env conda_prefix container hostalias region aws_region
    aws_default_region aws_profile google_cloud_project project_id kubernetes_service_host
    kubernetes_service_port vercel vercel_env vercel_url vercel_region next_runtime git_branch
    github_actions github_ref github_sha github_repository github_workflow github_run_id
    github_actor github_workspace runner_os edition cwd timezone locale name version build
    commit sha branch image workdir deno_dir cargo_home rustup_home bun_install
    debian_frontend pip_no_cache_dir ssh_auth_sock gpg_tty windowid session_manager""".split()
)

# Last words of names that stand beside a secret.
BESIDE_WORDS = frozenset(
    """user username login host hostname port region database dbname db email account endpoint engine
    dbinstanceidentifier dbclusteridentifier""".split()
)

# Keys whose mapping or list is an environment.
ENV_KEYS = frozenset(
    """env envs environ environment environments envvars envvar environmentvariables runtimeenv
    runtimeenvironment processenv envvariables containerenv variables buildenv extraenv
    buildargs secretenv""".split()
)

# Words that follow a name in code, documents and logs and are not its value.
WORD_VALUES = frozenset(
    """string str text any number int integer long float double bool boolean bytes byte char object
    expected encrypt decrypt pass passed fail failed seconds minutes hours days weeks months
    array list dict map set tuple null nil none undefined void true false yes no on off required
    optional missing invalid expired valid rejected accepted revoked updated created deleted unset
    empty unknown default defaults enabled disabled public private protected hidden masked redacted
    read write admin basic bearer digest auto manual inherit self this that it is was are be has
    not in on at for from with without and or if else then a an the of to by as you your we our
    they token tokens secret secrets password passwords passwd passphrase key keys apikey api_key
    credential credentials cookie cookies auth oauth oauth2 jwt header headers body query param
    params value values field fields type types name names id ids username user login email
    generated random here there new old current previous next first last same other only also must
    may can should will would could cannot please enter type provide specify provided given found
    changed reset rotated removed added set updated stored saved loaded sent received used using
    needed incorrect correct wrong mismatch error failed failure success ok good bad exists
    available unavailable supported deprecated encrypted decrypted hashed plain plaintext raw
    base64 hex json yaml pem rsa env environment file path url uri keychain keyring keyfile vault
    systemd-ask-password stdin prompt interactive terraform opaque variable secretstr newtype
    option some ok err result promise readonly static final const let var def function func fn
    class struct interface enum import export return await async yield lambda new delete typeof
    instanceof when while until unless which whose what how why where who there these those
    local localhost development production staging test testing never always sometimes once
    one-time short-lived long-lived refresh access session client server service account
    authorization authentication permission scope grant code implicit password_hash varchar
    integer serial uuid timestamp jsonb primary unique uint8 uint32 uint64 int32 int64 usize
    ed25519 ed448 x25519 x448 secp256k1 secp256r1 p-256 p-384 p-521 latin1 utf8 utf-8 utf16 ascii sha1 iso-8859-1 cp1252 sha256 sha512 hs256 rs256 es256 md5 bcrypt argon2 scrypt pbkdf2 aes rot13 submit cancel
    show hide toggle forgot confirm confirmation repeat strength policy manager generator
    field input label placeholder hint help tooltip error-message modal form page screen
    yubikey fido webauthn passkey totp sms whatever something anything nothing everything
    option options flag flags argument arguments prompts null, nullable str, lower upper mixed any unknown never object record bigint symbol""".split()
)
# Words of sentences.
STOP = frozenset(
    """the a an is are was were be been to of in on at for from with without and or not no if your
    my our their this that these those it its you we they he she please must should can could may
    will would has have had do does did enter type provide choose select use using invalid wrong
    incorrect required missing forgot forgotten reset change confirm show hide when where which as
    by into than too least characters long field cannot already again before after only""".split()
)
# Words of labels and messages beside an input.
UI = frozenset(
    """password passwort token secret key api access new old current confirm confirmation repeat
    login sign in up forgot reset change enter your username user email show hide strength weak
    strong medium required optional invalid incorrect wrong show visible passphrase pin code
    verification authentication authorization credentials credential private public client id
    settings manager generator policy expired expires field form input label github gitlab bot
    refresh session bearer personal count limit usage name title""".split()
)
