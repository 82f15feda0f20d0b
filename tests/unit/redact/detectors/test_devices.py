"""Configuration of network devices, of Windows and of daemons."""

from __future__ import annotations

from bridge.redact import Redactor
from tests.cases import each_case

P = "Lupin-Quarry" + "8145"
K = "wR7kd92LmQ" + "x4Tz8nVb3cYq5sHd"

HOLD = r"""crypto isakmp key @P address 203.0.113.7
crypto isakmp key 6 @P hostname vpn
 pre-shared-key local @P
 pre-shared-key address 198.51.100.4 key 6 @P
tacacs-server host 10.1.1.1 port 49 key 7 @P
radius server R1\n address ipv4 10.0.0.9 auth-port 1812\n key 0 @P
 key-string @P
 wpa-psk ascii 0 @P
 security wpa psk set-key ascii 0 @P
snmp-server user mon grp v3 auth sha @P priv aes 128 secret
 ip ospf message-digest-key 1 md5 @P
ntp authentication-key 1 md5 @P
set system ntp authentication-key 3 type md5 value "@P"
set security ike policy p pre-shared-key ascii-text "@P"
set passwd ENC @K
local-user ops password cipher @P
jo : EAP "@P"
# client server secret IP addresses\njo * @P 10.0.0.4
WIFI:T:WPA;S:my lab;P:@P;H:true;;
    Key Content            : @P
Schlüsselinhalt : @P
<AutoLogon>\n<Password>\n<Value>@P</Value>\n<PlainText>true</PlainText>\n</Password>
('@P' | ConvertTo-SecureString -AsPlainText -Force)
ConvertTo-SecureString -AsPlainText -Force "@P"
    DefaultPassword    REG_SZ    @P
reg add HKLM\X /v DefaultPassword /t REG_SZ /d @P /f
ldap_default_authtok = @P
bindcredentials: @P
basic.auth.user.info=KEY16XX:@K
1717.1 [0 10.0.0.2:5544] "AUTH" "default" "@P"
a1 LOGIN dana @P
#cloud-config\nchpasswd:\n  expire: False\n  list: |\n    ubuntu:@P
chpasswd <<EOF\nroot:@P\nEOF
profile::db::root_password: '@P'
mysql::server::root_password: @P
Password for the [elastic] user successfully reset.\nNew value: @P"""
HARMLESS = r"""crypto isakmp policy Pol2207x
pre-shared-key is required
authentication-key required
wpa-psk ascii disabled
WIFI:S:lab2207x;T:nopass;;
Key Content : Absent
radius-server host 10.0.0.1 auth-port 1812
username: dana : EAP enabled2
chap-secrets\nsee Version2.4.9b and Peer22
    ProductName    REG_SZ    Windows10Pro
reg add HKLM\X /v UserName /t REG_SZ /d Dana2207x /f
config max_conn updated\nNew value: Pool2207x-Big33
the LOGIN page is at App2207x now
"auth": "Basic2207x"
std::secret::Vault2207x
use my_crate::token::Token22
 priv aes-256-gcm Cipher22
set passwd policy Strong22
ldap_default_authtok_type = simple
$secure | ConvertTo-SecureString
$pw = Read-Host -AsSecureString 'Password'"""


def cases(text: str) -> list[str]:
    """One to a line; a break inside one is written as an escape."""
    return [case.replace("\\n", "\n") for case in text.split("\n")]


@each_case("text", cases(HOLD))
def test_a_value_goes_by_its_place_in_a_line(text: str) -> None:
    redactor = Redactor()
    before, name, after = text.partition("@P" if "@P" in text else "@K")
    result = redactor.text(text.replace("@P", P).replace("@K", K))
    assert P not in result
    assert K not in result
    assert name
    assert result.startswith(before)
    assert result.endswith(after)
    assert redactor.text(result) == result


@each_case("text", cases(HARMLESS))
def test_lines_without_a_value_stay(text: str) -> None:
    assert Redactor().text(text) == text
