"""Commands that print a secret, and commands that store one, in the shapes that agents report them.

Slots as in `blocks.py`. A printing command has its output beside it, a storing one its own text.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

PRINTING: list[tuple[str, str]] = [
    ("pass show db/prod", "⟦PA⟧\n"), ("pass show db/prod", "⟦PA⟧\nusername: app\nurl: db.internal\n"), ("gopass show -o team/api", "⟦a24⟧"),
    ("op read op://prod/db/password", "⟦P⟧\n"), ("op read 'op://Private/GitHub/credential'", "⟦a32⟧\n"), ("op item get db --fields password --reveal", "⟦PA⟧\n"),
    ("vault kv get -field=thing secret/app", "⟦PA⟧\n"), ("vault kv get -mount=kv -field=password app", "⟦a20⟧"), ("vault read -field=key aws/creds/x", "⟦a32⟧\n"),
    ("gcloud auth print-access-token", "⟦w60⟧\n"), ("gcloud auth print-identity-token", "⟦a80⟧\n"), ("gcloud secrets versions access latest --secret=db", "⟦PA⟧"),
    ("az account get-access-token --query accessToken -o tsv", "⟦a90⟧\n"), ("az keyvault secret show --vault-name v --name db --query value -o tsv", "⟦PA⟧\n"),
    ("aws secretsmanager get-secret-value --secret-id db --query SecretString --output text", "⟦PA⟧\n"),
    ("aws ssm get-parameter --name /db --with-decryption --query Parameter.Value --output text", "⟦PA⟧\n"), ("aws ecr get-login-password --region eu-west-1", "⟦b200⟧\n"),
    ("bw get password github.com", "⟦PA⟧\n"), ("bw get totp github.com", "⟦d6⟧\n"), ("rbw get bank", "⟦PA⟧\n"), ("lpass show --password db", "⟦P⟧\n"),
    ("pwgen 20 1", "⟦a20⟧\n"), ("pwgen -s 16 2", "⟦a16⟧ ⟦a16⟧\n"), ("xkcdpass -n 4", "⟦W⟧\n"), ("openssl rand -base64 24", "⟦b32⟧\n"), ("openssl rand -hex 16", "⟦h32⟧\n"),
    ("head -c 24 /dev/urandom | base64", "⟦b32⟧\n"), ("LC_ALL=C tr -dc A-Za-z0-9 </dev/urandom | head -c 20", "⟦a20⟧"), ("wg genkey", "⟦b43⟧\n"),
    ("kubectl get secret app -o jsonpath='{.data.thing}' | base64 -d", "⟦PA⟧"), ("kubectl -n prod get secret db -o jsonpath={.data.password} | base64 --decode", "⟦P⟧\n"),
    ("kubectl create token deployer -n ci", "⟦a90⟧\n"), ("oc whoami -t", "sha256~⟦w43⟧\n"), ("argocd admin initial-password -n argocd", "⟦a16⟧\n"),
    ("terraform output -raw db_password", "⟦PA⟧"), ("terraform -chdir=infra output -raw thing", "⟦a24⟧"), ("pulumi stack output password --show-secrets", "⟦PA⟧\n"),
    ("security find-generic-password -s db -w", "⟦PA⟧\n"), ("security find-internet-password -s e.com -a dana -w", "⟦P⟧\n"), ("secret-tool lookup service db", "⟦PA⟧\n"),
    ("heroku config:get STRIPE_KEY -a shop", "⟦a24⟧\n"), ("heroku auth:token", "⟦U⟧\n"), ("gh auth token", "⟦gho_{a36}⟧\n"), ("fly auth token", "⟦a40⟧\n"),
    ("doppler secrets get DB_PASSWORD --plain", "⟦PA⟧\n"), ("sops -d --extract '[\"db\"][\"pass\"]' secrets.yaml", "⟦PA⟧"), ("bundle exec rails secret", "⟦h128⟧\n"),
    ("python3 -c 'import secrets; print(secrets.token_urlsafe(32))'", "⟦w43⟧\n"), ("printenv DB_PASSWORD", "⟦PA⟧\n"), ("echo $GITHUB_TOKEN", "⟦a40⟧\n"),
    ("kubectl -n db get secret pg -o jsonpath='{.data.postgres-password}'", "⟦BP2⟧"), ("kubectl get secret app -o jsonpath=\"{.data['admin\\.password']}\"", "⟦BP2⟧"),
    ("kubectl get secret app -o go-template='{{.data.token}}'", "⟦b32⟧"), ("kubectl get secret app -o go-template='{{index .data \"db-password\" | base64decode}}'", "⟦PA⟧\n"),
    ("kubectl get secret app -o json | jq -r '.data[\"password\"]|@base64d'", "⟦PA⟧\n"), ("kubectl get secrets/app -o json | jq -r '.data.password'", "⟦BP2⟧\n"),
    ("oc extract secret/app --keys=password --to=-", "# password\n⟦PA⟧\n"), ("kubectl view-secret app password", "⟦PA⟧\n"),
    ("vault kv get -format=json secret/app | jq -r .data.data.password", "⟦PA⟧\n"), ("op item get db --format json | jq -r '.fields[1].password'", "⟦PA⟧\n"),
    ("az acr credential show -n reg --query 'passwords[0].value' -o tsv", "⟦b40⟧\n"), ("az redis list-keys --name r -g g --query primaryKey -o tsv", "⟦b44⟧\n"),
    ("az storage account keys list -n a -o table", "KeyName  Value\n-------  -----\nkey1  ⟦b86⟧\n"), ("aws sts get-session-token --output text", "CREDENTIALS\t2026-11-01T00:00:00Z\t⟦b40⟧\t⟦b80⟧\n"),
    ("aws iam create-access-key --user-name ci --output text", "ACCESSKEY\t⟦AKIA{u16}⟧\t2026-10-01T10:00:00+00:00\t⟦b40⟧\tActive\tci\n"),
    ("aws codeartifact get-authorization-token --domain a --query authorizationToken --output text", "⟦w200⟧\n"), ("aws rds generate-db-auth-token --hostname h --username a", "⟦w80⟧\n"),
    ("pulumi config get --stack prod db:password", "⟦PA⟧\n"), ("pulumi config get --path 'db.password'", "⟦PA⟧\n"), ("gcloud sql generate-login-token", "⟦w60⟧\n"),
    ("oathtool --totp -b ⟦u32⟧", "⟦d6⟧\n"), ("lpass show --password 'Team/DB'", "⟦PA⟧\n"), ("gcloud secrets versions access 3 --secret=mailer", "⟦PA⟧"),
    ("doppler secrets get STRIPE --plain", "⟦a32⟧\n"), ("infisical secrets get RELAY --plain --silent", "⟦PA⟧\n"), ("heroku config:get SESSION -a shop", "⟦a40⟧\n"),
    ("dokku config:get shop SESSION", "⟦a40⟧\n"), ("netlify env:get RELAY", "⟦a40⟧\n"), ("consul kv get app/prod/relay", "⟦a40⟧\n"), ("pass generate web/x 20", "The generated password for web/x is:\n⟦a20⟧\n"),
    ("pass otp web/x", "⟦d6⟧\n"), ("vault login -method=oidc -token-only", "⟦a90⟧\n"), ("aws configure get aws_secret_access_key", "⟦b40⟧\n"), ("bw unlock --raw", "⟦b86⟧\n"),
    ("bw generate -ulns --length 20", "⟦a20⟧\n"), ("docker swarm join-token worker -q", "⟦SWMTKN-1-{l49}-{l25}⟧\n"), ("openssl rand 32 | base64", "⟦b43⟧=\n"), ("gpg --gen-random --armor 1 24", "⟦b32⟧\n"),
    ("ruby -rsecurerandom -e 'puts SecureRandom.hex(32)'", "⟦h64⟧\n"), ("php -r 'echo bin2hex(random_bytes(16));'", "⟦h32⟧"), ("mix guardian.gen.secret", "⟦b64⟧\n"),
    ("docker exec ci cat /var/jenkins_home/secrets/initialAdminPassword", "⟦h32⟧\n"), ("sudo cat /var/lib/rancher/k3s/server/node-token", "⟦K10{h64}::server:{h32}⟧\n"),
    ("grep DB_PASS .env | cut -d= -f2", "⟦PA⟧\n"), ("awk -F= '/^API_TOKEN/{print $2}' .env", "⟦a40⟧\n"), ("sed -n 's/^API_TOKEN=//p' .env", "⟦a40⟧\n"), ("jq -r .token ~/.config/x.json", "⟦a40⟧\n"),
    ("curl -s https://id.example.org/t | jq -r .access_token", "⟦a64⟧\n"), ("terraform show -json | jq -r .values.outputs.db_password.value", "⟦PA⟧\n"), ("yq -r .auth.token conf.yml", "⟦a40⟧\n"), ("crudini --get c.ini db password", "⟦PA⟧\n"),
    ("git config --get github.token", "⟦h40⟧\n"), ("npm config get //r.example.org/:_authToken", "⟦a36⟧\n"), ("wp config get DB_PASSWORD", "⟦PA⟧\n"), ("rails credentials:fetch relay.token", "⟦a40⟧\n"),
    ("node -p 'process.env.API_TOKEN'", "⟦a40⟧\n"), ("python3 -c \"import os; print(os.environ['API_TOKEN'])\"", "⟦a40⟧\n"), ("ruby -e 'puts ENV[\"API_TOKEN\"]'", "⟦a40⟧\n"), ("printf '%s' \"$API_TOKEN\"", "⟦a40⟧"),
    ("psql -Atc \"select token from sessions limit 1\"", "⟦a40⟧\n"), ("sqlite3 a.db 'select password from users'", "⟦PA⟧\n⟦PA⟧\n"), ("redis-cli get session:token", "⟦a40⟧\n"),
    ("doppler secrets download --no-file --format env", "RELAY=\"⟦a40⟧\"\nSTRIPE=\"⟦a32⟧\"\nPORT=\"3000\"\n"), ("heroku config -s", "RELAY=⟦a40⟧\nWEB_CONCURRENCY=2\n"), ("infisical export --env=prod", "RELAY='⟦a40⟧'\n"),
    ("heroku config -a shop", "=== shop Config Vars\nRELAY:    ⟦a40⟧\nLANG:     en_US.UTF-8\n"), ("vault kv get secret/app", "====== Data ======\nKey       Value\n---       -----\nrelay     ⟦a32⟧\nregion    eu-west-1\n"),
    ("rails runner 'puts User.first.api_key'", "⟦h40⟧\n"), ("firebase functions:secrets:access RELAY", "⟦a40⟧\n"), ("aws ssm get-parameters-by-path --path /prod --with-decryption --query 'Parameters[].Value' --output text", "⟦PA⟧\n"),
    ("cat secrets/db_password.txt", "⟦PA⟧\n"), ("cat ~/.config/gh/token", "⟦h40⟧\n"), ("age -d -i key.txt relay.age", "⟦PA⟧\n"), ("systemd-creds decrypt relay.cred -", "⟦PA⟧\n"),
    ("cat /run/secrets/db_password", "⟦PA⟧\n"), ("bash -lc 'pass show db/prod'", "⟦PA⟧\n"), ("cd infra && terraform output -raw admin_password", "⟦PA⟧"),
]  # fmt: skip

# The output stays as it is.
HARMLESS: list[tuple[str, str]] = [
    ("pass show db/prod", "Error: db/prod is not in the password store.\n"), ("pass show -c db/prod", "Copied db/prod to clipboard. Will clear in 45 seconds.\n"),
    ("op read op://prod/db/username", "Dana4412x\n"), ("vault kv get -field=username secret/app", "svc-app-01\n"), ("vault kv get secret/app", "====== Data ======\nKey    Value\n---    -----\nowner  team4a\n"),
    ("terraform output -raw vpc_id", "vpc-0a1b2c3d4e5f67890\n"), ("terraform output", "vpc_id = \"vpc-0a1b2c3d4e5f67890\"\n"), ("kubectl get secret app", "NAME  TYPE    DATA  AGE\napp   Opaque  2     4d21h\n"),
    ("pass show db | docker login --password-stdin", "Login-Succeeded1\n"), ("gh auth token | wc -c", "41\n"), ("export X=$(op read op://prod/db/password)", "done1234\n"), ("gh auth status", "Logged in to github.com as dana4412\n"),
    ("op read op://prod/db/password > out.txt", "written12\n"), ("printenv PATH", "/usr/bin:/bin\n"), ("printenv NODE_ENV", "production1\n"), ("echo $HOME", "/home/a1\n"), ("cat README.md", "Version4a2\n"),
    ("kubectl get secret app -o jsonpath='{.metadata.name}'", "App2207x"), ("kubectl get secret app -o jsonpath='{.data.username}'", "U3ZjMjIwN3g="),
    ("vault kv get -format=json secret/app | jq -r .data.metadata.version", "12000"), ("aws iam create-access-key --help", "CREATE-ACCESS-KEY()   Create22KeyText"),
    ("az cosmosdb list -o table", "Name  Group\n----  -----\nacme-cosmos-2207-prodWest  rg22"), ("docker build --secret id=npmrc,src=.npmrc .", "Step1of22"),
    ("kubectl get cm app -o go-template='{{index .data \"token-url\" | base64decode}}'", "https://x.example/t2"), ("oathtool --version", "oathtool2.6.7"),
    ("jq -r '.data[\"password\"]|@base64d' < x.json > out.txt", ""), ("docker service create --secret db_password_v2 nginx", "done2207x"),
    ("heroku config:get WEB_HOST", "app1.example.org\n"), ("doppler secrets get STAGE --plain", "production\n"), ("consul kv get app/site", "https://app2.example.org/x\n"), ("netlify env:get NODE_VERSION", "22.4.1\n"),
    ("jq -r .nextPageToken page.json", "CAoQAA4x\n"), ("cat src/auth/token.ts", "export4a2\n"), ("grep -rn password src | cut -d: -f1", "src/auth2.ts\n"), ("cat password.txt | wc -l", "4221x\n"), ("node -p 'process.env.NODE_ENV'", "staging12\n"),
    ("node -p 'process.env.API_TOKEN.length'", "40\n"), ("select token from sessions", "Parse4error\n"), ("git config --get user.signingkey", "3AA5C34371567BD2\n"), ("jq -r '.scripts.test' package.json", "vitest2run\n"),
    ("doppler secrets download --no-file", "PORT=\"3000\"\nSTAGE=\"production2\"\nREGION=eu-west-1\nSITE=https://app2.example.org/x\n"), ("heroku config -a shop", "=== shop Config Vars\nGIT_SHA: 3f8a9c1d2e4b5f60718293a4b5c6d7e8f9012345\nLANG:    en_US.UTF-8\n"),
    ("openssl version", "OpenSSL3.0.2\n"), ("bw status", "unlocked1\n"), ("git rev-parse HEAD", "3f8a9c1d2e4b5f60718293a4b5c6d7e8f9012345\n"), ("heroku config:get NODE_ENV", "production1\n"),
]  # fmt: skip

STORING: list[str] = [
    "kubectl create secret generic app --from-literal=thing=⟦PA⟧", "kubectl create secret generic app -n prod --from-literal=username=svc --from-literal=thing='⟦P⟧'",
    "vault kv put secret/app thing=⟦PA⟧", "vault kv put -mount=kv app username=svc value=⟦a20⟧ other='⟦PA⟧'", "vault kv patch secret/app thing=\"⟦a24⟧\"",
    "gh secret set DEPLOY --body ⟦a24⟧", "gh secret set DEPLOY -b'⟦PA⟧' -R a/b", "gh secret set DEPLOY <<< ⟦a24⟧", "echo ⟦a24⟧ | gh secret set DEPLOY", "printf '%s' '⟦PA⟧' | gh secret set DEPLOY",
    "aws secretsmanager create-secret --name app/x --secret-string ⟦PA⟧", "aws secretsmanager put-secret-value --secret-id app/x --secret-string '⟦a20⟧'", "aws ssm put-parameter --name /x --type SecureString --value ⟦PA⟧",
    "az keyvault secret set --vault-name kv --name thing --value ⟦PA⟧", "az keyvault secret set --name thing --vault-name kv --value '⟦a24⟧' -o none",
    "printf '⟦PA⟧' | docker secret create db_pass -", "echo \"⟦a24⟧\" | docker secret create thing -", "echo ⟦a32⟧ | wrangler secret put THING", "echo ⟦PA⟧ | npx wrangler secret put THING --env production", "wrangler secret put THING <<< ⟦a24⟧",
    "heroku config:set THING=⟦a24⟧ -a shop", "heroku config:set LOG_LEVEL=debug THING=⟦PA⟧ --app shop", "fly secrets set THING=⟦a24⟧", "flyctl secrets set A_THING='⟦PA⟧' OTHER=⟦a20⟧ -a shop",
    "pulumi config set --secret thing ⟦PA⟧", "pulumi config set dbThing '⟦a20⟧' --secret", "htpasswd -b .htpasswd dana ⟦PA⟧", "htpasswd -nb dana ⟦PA⟧", "htpasswd -nbB dana '⟦PA⟧'", "htpasswd -cb /etc/nginx/x dana ⟦a14⟧",
    "sops set secrets.yaml '[\"thing\"]' '\"⟦PA⟧\"'", "ansible-vault encrypt_string '⟦PA⟧' --name thing", "ansible-vault encrypt_string --vault-id dev@x '⟦a20⟧'",
    "doppler secrets set THING=⟦a24⟧", "infisical secrets set THING=⟦PA⟧ --env=prod", "supabase secrets set THING=⟦a32⟧", "railway variables --set THING=⟦a24⟧", "netlify env:set THING ⟦a24⟧",
    "cf set-env app THING ⟦a24⟧", "chamber write app thing ⟦a24⟧", "consul kv put app/thing ⟦PA⟧", "nomad var put nomad/jobs/x thing=⟦PA⟧", "op item create --category login thing=⟦PA⟧", "eas secret:create --name THING --value ⟦a24⟧",
    "echo '⟦PA⟧' | gcloud secrets create thing --data-file=-", "security add-generic-password -a dana -s thing -w ⟦PA⟧", "echo ⟦a24⟧ | vercel env add THING production", "firebase functions:config:set app.thing=⟦a24⟧",
    "az functionapp keys set -n f -g g --key-type functionKeys --key-name k --key-value ⟦a40⟧",
    "dotnet user-secrets set Relay:Key ⟦a32⟧", "flyctl secrets import <<EOF\nTHING=⟦a24⟧\nOTHER=⟦PA⟧\nEOF", "gh secret set THING <<EOF\n⟦a40⟧\nEOF", "wrangler secret bulk <<EOF\n{\"THING\":\"⟦a40⟧\"}\nEOF",
    "gcloud secrets versions add x --data-file=- <<< '⟦PA⟧'", "docker secret create thing - <<< ⟦PA⟧", "pass insert -m web/x <<< '⟦PA⟧'", "kubectl patch secret x -p '{\"stringData\":{\"thing\":\"⟦PA⟧\"}}'",
    "conjur variable set -i x -v ⟦PA⟧", "credstash put thing ⟦PA⟧", "akeyless create-secret --name x --value ⟦PA⟧", "databricks secrets put-secret scope thing --string-value ⟦PA⟧", "glab variable set THING ⟦a32⟧",
    "scw secret version create x data=⟦PA⟧", "vault operator unseal ⟦b43⟧", "mosquitto_passwd -b /etc/m svc ⟦PA⟧", "ldappasswd -x -D cn=a -w ⟦PA⟧ -s ⟦PA⟧ uid=u", "drush user:password admin \"⟦PA⟧\"",
    "mkpasswd -m sha-512 '⟦PA⟧'", "openssl passwd -6 '⟦PA⟧'", "caddy hash-password --plaintext '⟦PA⟧'", "ssh-keygen -t ed25519 -N '⟦PA⟧' -f k", "ssh-keygen -p -P '⟦PA⟧' -N '⟦PA⟧' -f k",
    "poetry config http-basic.x u ⟦PA⟧", "composer config --global github-oauth.github.com ⟦h40⟧", "reg add HKCU\\X /v Password /d ⟦PA⟧ /f",
]  # fmt: skip


def shapes(command: str, output: str) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """The events in which each sort of agent tells a command and what it printed."""

    def event(kind: str, payload: dict[str, Any]) -> dict[str, Any]:
        return {"id": "e1", "type": kind, "toolName": "bash", "message": "Tool: bash", "payload": payload, "createdAt": "t"}  # fmt: skip

    yield "beside", [event("tool_finished", {"input": {"command": command}, "output": output, "exitCode": 0})]  # fmt: skip
    yield "streams", [event("tool_finished", {"command": ["bash", "-lc", command], "result": {"stdout": output, "stderr": "", "exit_code": 0}})]  # fmt: skip
    yield "item", [event("tool_finished", {"item": {"type": "command_execution", "command": command, "aggregated_output": output, "exit_code": 0}})]  # fmt: skip
    yield "blocks", [event("tool_finished", {"arguments": json.dumps({"command": command}), "content": [{"type": "text", "text": output}]})]  # fmt: skip
    call = {"kind": "tool", "toolCallId": "call_7"}
    yield (
        "two events",
        [
            event("tool_started", {**call, "state": "running", "input": {"command": command}}),
            event("log", {"kind": "run_progress"}),
            event("tool_finished", {**call, "state": "success", "output": {"stdout": output}}),
        ],
    )
