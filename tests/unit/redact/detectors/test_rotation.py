"""A change tells two secrets, the old one and the new one; and changes of other things tell none."""

from __future__ import annotations

from bridge.redact import Redactor
from tests.cases import each_case

OLD = "Lupin-Quarry" + "8145"
NEW = "tR4-moss" + "+Gate77"


@each_case(
    "sentence",
    """password changed: {a} -> {b}
admin password rotated ({a} → {b})
I rotated the database password: old {a}, new {b}
replaced the admin password {a} with {b} in secrets.env
update root password in vault: was {a}, is now {b}
Password updated from `{a}` to `{b}`.
DB_PASSWORD: {a} -> {b}
db password: {a} => {b}
the redis password has been changed. old: {a} new: {b}
Old password {a}, new password {b}
swapped the smtp password {a} for {b}
reset the password of dana from "{a}" to "{b}"
- changed the ftp password (was {a}, now {b})
The password {a} was replaced by {b}
password of svc-mail renewed: previous value {a}, current value {b}
Rotated password. Before: {a} After: {b}
Kennwort geändert: alt {a}, neu {b}
mot de passe modifié : ancien {a}, nouveau {b}
пароль изменён: был {a}, стал {b}
changed_fields: password: '{a}' => '{b}'
ALTER: password '{a}' → '{b}'
token regenerated, {a} is now {b}
Rolled the grafana token {a} over to {b}
2026-11-02 INFO password for user ops changed old={a} new={b}
Set DB password to {b} (previous: {a})
Passwort des NAS wurde von {a} in {b} geändert""".split("\n"),
)
def test_both_values_of_a_change_go(sentence: str) -> None:
    result = Redactor().text(sentence.format(a=OLD, b=NEW))
    assert OLD not in result
    assert NEW not in result
    assert Redactor().text(result) == result


@each_case(
    "sentence",
    """changed the password policy from Strict90 to Relaxed365
rotated the secret in namespace prod-Eu2 to cluster-Eu3
password changed: user svc-Report2 -> group svc-Admins3
token type changed: Bearer -> MAC
updated the password field from TextInput2 to PasswordInput3
rotated the API key: old version v1.2.3, new version v1.3.0
secret updated: was 2026-10-01, is now 2026-11-30
password hash changed from MD5 to SHA256
update secret store: was vault-1.13.2, is now vault-1.15.0
rotated signing key: kid old main-2024, new main-2026
changed password column from varchar(32) to varchar(255)
updated the session token lifetime from PT30M00S to PT120M00S
Rolled the token parser over to Lexer22b
rotated the secret for tenant Acme-2207 and tenant Beta-3301
password changed for user Svc_Report22
secret rotated with job Rotate-Keys-2210
replaced secret with ExternalSecret22 in Chart.yaml
rotated the secret, see PR from Dana2207 to main""".split("\n"),
)
def test_a_change_of_something_else_stays(sentence: str) -> None:
    assert Redactor().text(sentence) == sentence
