"""Token formats of providers, as data: prefix, alphabet, length, whose.

Facts from the providers' own documentation and from the tokens they hand out. The table holds
prefixes and lengths only, no token. Columns: prefix as it is written, alphabet of the body, usual
shortest body, the day the row was checked, where to look when it is checked again (`-`: not noted),
issuer. `=` before the length: exactly so long (for prefixes too short to stand alone). The oldest
rows: `make rules-age`.

Alphabets: a letters and digits, w these and `_-`, d these and `.`, h lower-case hex, H either hex,
u upper-case letters and digits, l lower-case letters and digits, b base64, x anything of a token
(`A-Za-z0-9_.~+/=:%-`).
"""

from __future__ import annotations

OWN = """
mog_                a 16   2026-11-24 -  Mogplex; the 12 characters shown in lists are no secret
msk_                w 12   2026-11-24 -  MIOSA: msk_u_, msk_a_, msk_p_, msk_live_
convo_              w 12   2026-11-24 -  moot
sset_               w 12   2026-11-24 -  MIOSA stream tickets
mootup_pat_         w 12   2026-11-24 -  moot
"""

TABLE = """
ghp_                a 36   2026-11-24 -  GitHub personal
gho_                a 36   2026-11-24 -  GitHub OAuth
ghu_                a 36   2026-11-24 -  GitHub user to server
ghs_                d 36   2026-11-30 docs.github.com/authentication  GitHub server to server
ghr_                a 36   2026-11-24 -  GitHub refresh
github_pat_         w 60   2026-11-24 -  GitHub fine grained
v1.                 h =40  2026-11-24 -  GitHub installation (old)
glpat-              d 20   2026-11-24 -  GitLab personal
glptt-              h 40   2026-11-24 -  GitLab trigger
gldt-               w 20   2026-11-24 -  GitLab deploy
glrt-               d 20   2026-11-24 -  GitLab runner
glrtr-              w 20   2026-11-24 -  GitLab runner registration
glcbt-              w 20   2026-11-24 -  GitLab CI build
glsoat-             w 20   2026-11-24 -  GitLab SCIM
glft-               w 20   2026-11-24 -  GitLab feed
glimt-              w 25   2026-11-24 -  GitLab incoming mail
glagent-            w 50   2026-11-24 -  GitLab agent
gloas-              h 64   2026-11-24 -  GitLab OAuth application
glffct-             w 20   2026-11-24 -  GitLab feature flags
glwt-               w 20   2026-11-24 -  GitLab workspace
GR1348941           w 20   2026-11-24 -  GitLab runner (old)
ATBB                a 28   2026-11-24 -  Bitbucket app
ATCTT3              x 40   2026-11-24 -  Atlassian OAuth
ATATT3              x 60   2026-11-24 -  Atlassian API
ATSTA               x 60   2026-11-24 -  Atlassian
BBDC-               b 40   2026-11-24 -  Bitbucket data center
xoxb-               w 24   2026-11-24 -  Slack bot
xoxp-               w 24   2026-11-24 -  Slack user
xoxa-               w 24   2026-11-24 -  Slack app (old)
xoxr-               w 24   2026-11-24 -  Slack refresh
xoxs-               w 24   2026-11-24 -  Slack session
xoxo-               w 24   2026-11-24 -  Slack
xoxc-               w 24   2026-11-24 -  Slack client
xoxd-               x 24   2026-11-24 -  Slack cookie
xoxe-               w 24   2026-11-24 -  Slack configuration refresh
xoxe.               w 24   2026-11-24 -  Slack rotated
xapp-               w 24   2026-11-24 -  Slack app level
sk_live_            w 16   2026-11-24 -  Stripe and others
sk_test_            w 16   2026-11-24 -  Stripe and others
sk_prod_            w 16   2026-11-24 -  Liveblocks and others
rk_live_            w 16   2026-11-24 -  Stripe restricted
rk_test_            w 16   2026-11-24 -  Stripe restricted
whsec_              b 24   2026-11-24 -  Stripe, Svix webhook
sk-ant-             w 30   2026-11-24 -  Anthropic
sk-proj-            w 30   2026-11-24 -  OpenAI project
sk-svcacct-         w 30   2026-11-24 -  OpenAI service account
sk-admin-           w 30   2026-11-24 -  OpenAI admin
sk-or-              w 30   2026-11-24 -  OpenRouter
sk-lf-              w 30   2026-11-24 -  Langfuse
sk-                 w 20   2026-11-24 -  OpenAI, DeepSeek, Moonshot and others
sk_                 a 32   2026-11-24 -  ElevenLabs, WorkOS and others
sess-               a 40   2026-11-24 -  OpenAI session
AIza                w =35  2026-11-24 -  Google API
ya29.               d 20   2026-11-24 -  Google OAuth access
GOCSPX-             w 24   2026-11-24 -  Google OAuth client secret
1//0                w 30   2026-11-24 -  Google OAuth refresh
AKIA                u =16  2026-11-24 -  AWS access key id
ASIA                u =16  2026-11-24 -  AWS temporary access key id
ABIA                u =16  2026-11-24 -  AWS bearer
ACCA                u =16  2026-11-24 -  AWS context
A3T                 u =17  2026-11-24 -  AWS (old)
ABSK                b 100  2026-11-24 -  AWS Bedrock
bedrock-api-key-    b 60   2026-11-24 -  AWS Bedrock
dop_v1_             h 64   2026-11-24 -  DigitalOcean personal
doo_v1_             h 64   2026-11-24 -  DigitalOcean OAuth
dor_v1_             h 64   2026-11-24 -  DigitalOcean refresh
HRKU-               w 36   2026-11-24 -  Heroku
npm_                a 36   2026-11-24 -  npm
pypi-               w 50   2026-11-24 -  PyPI
rubygems_           h 48   2026-11-24 -  RubyGems
cio                 a =32  2026-11-24 -  crates.io
oy2                 l =43  2026-11-24 -  NuGet
dckr_pat_           w 24   2026-11-24 -  Docker personal
dckr_oat_           w 24   2026-11-24 -  Docker organisation
clojars_            l 60   2026-11-24 -  Clojars
packagist_          w 30   2026-11-24 -  Packagist
hf_                 a 34   2026-11-24 -  Hugging Face
api_org_            a 34   2026-11-24 -  Hugging Face organisation
r8_                 a 37   2026-11-24 -  Replicate
gsk_                a 40   2026-11-24 -  Groq
xai-                a 60   2026-11-24 -  xAI
pplx-               a 40   2026-11-24 -  Perplexity
nvapi-              w 60   2026-11-24 -  NVIDIA
tgp_v1_             w 40   2026-11-24 -  Together
fc-                 h =32  2026-11-24 -  Firecrawl
csk-                l 40   2026-11-24 -  Cerebras
jina_               a 50   2026-11-24 -  Jina
tvly-               w 24   2026-11-24 -  Tavily
pcsk_               w 50   2026-11-24 -  Pinecone
lsv2_               w 40   2026-11-24 -  LangSmith
wandb_v1_           w 40   2026-11-24 -  Weights & Biases
apify_api_          a 30   2026-11-24 -  Apify
e2b_                h 40   2026-11-24 -  E2B
esecret_            a 20   2026-11-24 -  Anyscale
bb_live_            w 20   2026-11-24 -  Browserbase
sgp_                w 40   2026-11-24 -  Sourcegraph
slk_                h 64   2026-11-24 -  Sourcegraph licence
sgamp_              w 40   2026-11-24 -  Sourcegraph Amp
crsr_               h 60   2026-11-24 -  Cursor
rpa_                u 40   2026-11-24 -  RunPod
key_                h =64  2026-11-24 -  Cursor
vcp_                a 50   2026-11-24 -  Vercel personal
vci_                a 50   2026-11-24 -  Vercel integration
vca_                a 50   2026-11-24 -  Vercel app
vcr_                a 50   2026-11-24 -  Vercel refresh
vck_                a 50   2026-11-24 -  Vercel AI gateway
vercel_blob_rw_     w 30   2026-11-24 -  Vercel blob
sbp_                h 40   2026-11-24 -  Supabase personal
sb_secret_          w 24   2026-11-24 -  Supabase secret
sba_                w 30   2026-11-24 -  Supabase
napi_               l 40   2026-11-24 -  Neon
pscale_             d 32   2026-11-24 -  PlanetScale
ccdb1_              a 40   2026-11-24 -  CockroachDB
xau_                a 40   2026-11-24 -  Xata
mdb_sa_sk_          w 40   2026-11-24 -  MongoDB Atlas
fnA                 w =37  2026-11-24 -  Fauna
dapi                h =32  2026-11-24 -  Databricks
dkea                h =32  2026-11-24 -  Databricks
dose                h =32  2026-11-24 -  Databricks
dbtc_               w 30   2026-11-24 -  dbt cloud
dbtu_               w 30   2026-11-24 -  dbt cloud
AVNS_               w 15   2026-11-24 -  Aiven
essu_               b 60   2026-11-24 -  Elastic cloud
glsa_               w 32   2026-11-24 -  Grafana service account
glc_                b 50   2026-11-24 -  Grafana cloud
eyJrIjoi            b 40   2026-11-24 -  Grafana API key (old)
NRAK-               u 24   2026-11-24 -  New Relic user
NRII-               w 32   2026-11-24 -  New Relic insert
NRIQ-               w 32   2026-11-24 -  New Relic query
NRJS-               h 19   2026-11-24 -  New Relic browser
NRRA-               h 40   2026-11-24 -  New Relic REST
NRAL                w 36   2026-11-24 -  New Relic licence
sntrys_             b 60   2026-11-24 -  Sentry organisation
sntryu_             h 60   2026-11-24 -  Sentry user
sntryi_             h 60   2026-11-24 -  Sentry integration
hcaik_              w 58   2026-11-24 -  Honeycomb
hcxik_              w 58   2026-11-24 -  Honeycomb
hcalk_              w 58   2026-11-24 -  Honeycomb
dt0c01.             d 60   2026-11-24 -  Dynatrace
dt0s0               d 60   2026-11-24 -  Dynatrace
xaat-               H 32   2026-11-24 -  Axiom
xapt-               H 32   2026-11-24 -  Axiom
phx_                a 40   2026-11-24 -  PostHog personal
phs_                a 40   2026-11-24 -  PostHog secret
dp.pt.              a 40   2026-11-24 -  Doppler personal
dp.st.              d 40   2026-11-24 -  Doppler service
dp.ct.              a 40   2026-11-24 -  Doppler CLI
dp.sa.              a 40   2026-11-24 -  Doppler service account
dp.scim.            a 40   2026-11-24 -  Doppler SCIM
dp.audit.           a 40   2026-11-24 -  Doppler audit
hvs.                w 24   2026-11-24 -  HashiCorp Vault service
hvb.                w 90   2026-11-24 -  HashiCorp Vault batch
hvr.                w 90   2026-11-24 -  HashiCorp Vault recovery
s.                  a =24  2026-11-24 -  HashiCorp Vault (old)
ops_                w 200  2026-11-24 -  1Password service account
A3-                 u 30   2026-11-24 -  1Password secret key
st.                 d 60   2026-11-24 -  Infisical
pul-                h 40   2026-11-24 -  Pulumi
CCIPAT_             w 40   2026-11-24 -  CircleCI
CCIPRIV_            w 40   2026-11-24 -  CircleCI
bkua_               h 40   2026-11-24 -  Buildkite
bkaj_               h 30   2026-11-24 -  Buildkite
bkct_               w 20   2026-11-24 -  Buildkite
sqp_                h 40   2026-11-24 -  SonarQube project
squ_                h 40   2026-11-24 -  SonarQube user
sqa_                h 40   2026-11-24 -  SonarQube global
snyk_               d 60   2026-11-24 -  Snyk
AKCp                a 60   2026-11-24 -  JFrog
cmVmdGtu            a 50   2026-11-24 -  JFrog reference
nfp_                a 36   2026-11-24 -  Netlify personal
nfc_                a 36   2026-11-24 -  Netlify CLI
nfo_                a 36   2026-11-24 -  Netlify OAuth
nfu_                a 36   2026-11-24 -  Netlify UI
nfb_                a 36   2026-11-24 -  Netlify build
FlyV1               x 60   2026-11-24 -  Fly.io
fm2_                b 60   2026-11-24 -  Fly.io
fm1r_               b 60   2026-11-24 -  Fly.io
fm1a_               b 60   2026-11-24 -  Fly.io
fo1_                w 40   2026-11-24 -  Fly.io
rnd_                a 28   2026-11-24 -  Render
SCW                 u =17  2026-11-24 -  Scaleway access key
v1.0-               w 100  2026-11-25 -  Cloudflare origin CA
cfut_               w 40   2026-11-24 -  Cloudflare user
cfat_               w 40   2026-11-24 -  Cloudflare account
tskey-              w 20   2026-11-24 -  Tailscale
SK                  h =32  2026-11-24 -  Twilio API key
SG.                 d 40   2026-11-24 -  SendGrid
key-                h =32  2026-11-24 -  Mailgun
pubkey-             h =32  2026-11-24 -  Mailgun
xkeysib-            w 60   2026-11-24 -  Brevo
xsmtpsib-           w 60   2026-11-24 -  Brevo
re_                 w =33  2026-11-24 -  Resend
pk_                 h =34  2026-11-24 -  Klaviyo
EAAC                a 60   2026-11-24 -  Facebook
EAAB                a 60   2026-11-24 -  Facebook
EAAD                a 60   2026-11-24 -  Facebook
EAAG                a 60   2026-11-24 -  Facebook
EAAA                w 60   2026-11-24 -  Square, Facebook
IGQV                w 60   2026-11-24 -  Instagram
IGAA                w 60   2026-11-24 -  Instagram
AAAAAAAAAAAAAAAAAAAA x 30   2026-11-24 -  X (Twitter) bearer
sl.                 w 60   2026-11-24 -  Dropbox
secret_             a =43  2026-11-24 -  Notion (old)
ntn_                a 40   2026-11-24 -  Notion
lin_api_            a 32   2026-11-24 -  Linear
lin_oauth_          h 32   2026-11-24 -  Linear
figd_               w 36   2026-11-24 -  Figma
figu_               w 36   2026-11-24 -  Figma
figo_               w 36   2026-11-24 -  Figma
figdr_              w 36   2026-11-24 -  Figma
ATTA                H 60   2026-11-24 -  Trello
shpat_              H 32   2026-11-24 -  Shopify access
shpca_              H 32   2026-11-24 -  Shopify custom app
shppa_              H 32   2026-11-24 -  Shopify private app
shpss_              H 32   2026-11-24 -  Shopify shared secret
shpua_              H 32   2026-11-24 -  Shopify user
shptka_             H 32   2026-11-24 -  Shopify theme
sq0atp-             w 22   2026-11-24 -  Square access
sq0csp-             w 40   2026-11-24 -  Square OAuth secret
access_token$       x 30   2026-11-24 -  PayPal, Braintree
access-sandbox-     w 32   2026-11-24 -  Plaid
access-production-  w 32   2026-11-24 -  Plaid
access-development- w 32   2026-11-24 -  Plaid
rzp_live_           a 14   2026-11-24 -  Razorpay
rzp_test_           a 14   2026-11-24 -  Razorpay
FLWSECK-            w 32   2026-11-24 -  Flutterwave
FLWSECK_TEST-       w 12   2026-11-24 -  Flutterwave
EZAK                a =54  2026-11-24 -  EasyPost
EZTK                a =54  2026-11-24 -  EasyPost
shippo_live_        h 40   2026-11-24 -  Shippo
shippo_test_        h 40   2026-11-24 -  Shippo
live_               h =35  2026-11-24 -  Lob
test_               h =35  2026-11-24 -  Lob
duffel_live_        w 40   2026-11-24 -  Duffel
duffel_test_        w 40   2026-11-24 -  Duffel
alcht_              a 28   2026-11-24 -  Alchemy
CFPAT-              w 40   2026-11-24 -  Contentful
tfp_                d 40   2026-11-24 -  Typeform
pat-na1-            w 32   2026-11-24 -  HubSpot
pat-eu1-            w 32   2026-11-24 -  HubSpot
rdme_               l 60   2026-11-24 -  ReadMe
PMAK-               w 50   2026-11-24 -  Postman
PMAT-               w 24   2026-11-24 -  Postman
fio-u-              w 60   2026-11-24 -  Frame.io
LTAI                a 16   2026-11-24 -  Alibaba
AKID                a 28   2026-11-24 -  Tencent
AKLT                a 30   2026-11-24 -  Volcengine
AQVN                w 35   2026-11-24 -  Yandex
t1.                 x 80   2026-11-24 -  Yandex IAM
y0_                 w 50   2026-11-24 -  Yandex OAuth
vk1.a.              w 60   2026-11-24 -  VK
secret-live-        w 32   2026-11-24 -  Stytch
secret-test-        w 32   2026-11-24 -  Stytch
ory_                w 32   2026-11-24 -  Ory
perm:               x 40   2026-11-24 -  JetBrains
perm-               x 40   2026-11-24 -  JetBrains
API-                u =26  2026-11-24 -  Octopus Deploy
sha256~             w 43   2026-11-24 -  OpenShift
SWMTKN-1-           w 60   2026-11-24 -  Docker swarm
SWMKEY-1-           w 40   2026-11-24 -  Docker swarm
p8e-                w 32   2026-11-25 -  Adobe client secret
pat                 d =79  2026-11-25 -  Airtable personal
eyJhdXRocyI6        b 24   2026-11-25 -  Docker configuration with logins, in base64
ewogICJhdXRocyI6    b 24   2026-11-30 docs.docker.com/reference/cli  the same, indented
ewogICAgImF1dGhzIj  b 24   2026-11-30 docs.docker.com/reference/cli  the same, indented by four
ewoJImF1dGhzIjog    b 24   2026-11-30 docs.docker.com/reference/cli  the same, with tabs
pk.eyJ              d 60   2026-11-24 -  Mapbox public
sk.eyJ              d 60   2026-11-24 -  Mapbox secret
tk.eyJ              d 60   2026-11-24 -  Mapbox temporary
n8n_api_            w 32   2026-11-24 -  n8n
pnu_                a 36   2026-11-24 -  Prefect
pnb_                a 36   2026-11-24 -  Prefect
signkey-            w 32   2026-11-24 -  Inngest
tr_dev_             a 20   2026-11-24 -  Trigger.dev
tr_prod_            a 20   2026-11-24 -  Trigger.dev
os_v2_              l 60   2026-11-24 -  OneSignal
pdl_                w 40   2026-11-24 -  Paddle
polar_              w 30   2026-11-24 -  Polar
gAAAAA              x 60   2026-11-24 -  Fernet
zpka_               w 30   2026-11-24 -  Zuplo
unkey_              w 16   2026-11-24 -  Unkey
tsec_               w 40   2026-11-24 -  Tigris
amzn.mws.           w 30   2026-11-24 -  Amazon marketplace
amzn1.oa2-cs.       d 40   2026-11-24 -  Amazon login client secret
Atzr|               x 60   2026-11-24 -  Amazon refresh
AGE-SECRET-KEY-     u 50   2026-11-24 -  age
AGE-PLUGIN-         u 50   2026-11-24 -  age
xprv                a =107 2026-11-24 -  BIP 32
coze_               w 40   2026-11-24 -  Coze
pat_                a =64  2026-11-24 -  Coze
oauth2:             w 20   2026-11-24 -  Git remote with a token
x-access-token:     w 20   2026-11-24 -  GitHub remote with a token
lmsk_               w 24   2026-11-24 -  LangSmith (old)
ls__                w 32   2026-11-24 -  LangSmith (old)
cs_live_            w 40   2026-11-24 -  Stripe client secret
seti_               w 60   2026-11-24 -  Stripe client secret
BSA                 w =28  2026-11-24 -  Brave
fnAE                w 36   2026-11-24 -  Fauna
ico-                a 32   2026-11-25 -  Infracost
s-s4t2ud-           h 64   2026-11-25 -  42 Intra
s-s4t2af-           h 64   2026-11-25 -  42 Intra
tk-us-              w 48   2026-11-25 -  Scalingo
sm_aat_             a 16   2026-11-25 -  SettleMint application
sm_pat_             a 16   2026-11-25 -  SettleMint personal
sm_sat_             a 16   2026-11-25 -  SettleMint service
endr+               w 16   2026-11-25 -  Endor Labs
4b1d                a =38  2026-11-25 -  ClickHouse Cloud
pat.                d 60   2026-11-25 -  Harness personal
sat.                d 60   2026-11-25 -  Harness service
cal_live_           h 32   2026-11-25 -  Cal.com
tk_                 l =29  2026-11-25 -  ntfy
EAAM                a 60   2026-11-25 -  Facebook
sk-ant-admin        w 30   2026-11-25 -  Anthropic admin
glrt-t              w 24   2026-11-25 -  GitLab runner (routable)
rootly_             h 64   2026-11-25 -  Rootly
daytona_            w 30   2026-11-24 -  Daytona
dtn_                h 60   2026-11-24 -  Daytona
bfl_sk_             w 30   2026-11-24 -  Black Forest Labs
helicone-           w 30   2026-11-24 -  Helicone
cpk_                d 40   2026-11-24 -  Chutes
AQ.Ab8R             w 40   2026-11-30 ai.google.dev/gemini-api/docs/api-key  Gemini
fw_                 a =24  2026-11-30 docs.fireworks.ai/api-reference  Fireworks
llx-                a 40   2026-11-30 docs.cloud.llamaindex.ai  LlamaCloud
mlsn.               h 60   2026-11-30 developers.mailersend.com  MailerSend
AIK_CI_             w 20   2026-11-30 help.aikido.dev/code-scanning  Aikido CI
AIK_SECRET_         w 32   2026-11-30 help.aikido.dev  Aikido
cog_                a 32   2026-11-30 docs.devin.ai/api-reference  Cognition
os_v2_app_          l 90   2026-11-30 documentation.onesignal.com  OneSignal app
os_v2_org_          l 90   2026-11-30 documentation.onesignal.com  OneSignal organisation
configcat-sdk-1/    x 40   2026-11-30 configcat.com/docs/sdk-reference  ConfigCat
configcat-proxy/    x 10   2026-11-30 configcat.com/docs/advanced/proxy  ConfigCat proxy
AstraCS:            x 80   2026-11-30 docs.datastax.com/astra-db-serverless  Astra DB
nyk_v0_             a 64   2026-11-30 developer.nylas.com/docs/v3  Nylas
ramp_sec_           a 48   2026-11-30 docs.ramp.com/developer-api  Ramp client secret
ramp_business_tok_  a 48   2026-11-30 docs.ramp.com/developer-api  Ramp access
ramp_tok_           a 40   2026-11-30 docs.ramp.com/developer-api  Ramp access
secret-token:       x 30   2026-11-30 docs.mercury.com/reference  RFC 8959: Mercury, Census
mercury_production_ w 40   2026-11-30 docs.mercury.com/reference  Mercury
mercury_sandbox_    w 40   2026-11-30 docs.mercury.com/reference  Mercury sandbox
dG9rO               b 50   2026-11-30 developers.intercom.com/docs  Intercom
nsec1               l 58   2026-11-30 github.com/nostr-protocol/nips  nostr private key
zprv                a =107 2026-11-30 github.com/satoshilabs/slips  BIP 32
yprv                a =107 2026-11-30 github.com/satoshilabs/slips  BIP 32
tprv                a =107 2026-11-30 github.com/satoshilabs/slips  BIP 32
EAA                 a 100  2026-11-30 developers.facebook.com/docs  Facebook
mfa.                w 80   2026-11-30 discord.com/developers/docs/reference  Discord
3MVG9               d 70   2026-11-30 help.salesforce.com  Salesforce consumer key
5Aep861             x 70   2026-11-30 help.salesforce.com  Salesforce refresh
sk-kimi-            w 40   2026-11-30 platform.moonshot.ai/docs  Kimi
sk_car_             w 16   2026-11-30 docs.cartesia.ai  Cartesia
opk_                h 32   2026-11-30 docs.openpipe.ai  OpenPipe
ste-                a =60  2026-11-30 docs.steel.dev  Steel
hb_                 h =60  2026-11-30 hyperbrowser.ai/docs  Hyperbrowser
bt-st-              w 30   2026-11-30 braintrust.dev/docs  Braintrust
tpuf_               a 32   2026-11-30 turbopuffer.com/docs/auth  turbopuffer
mxb_                a 32   2026-11-30 mixedbread.com/docs  Mixedbread
depot_org_          h 60   2026-11-30 depot.dev/docs/cli/authentication  Depot
depot_user_         h 60   2026-11-30 depot.dev/docs/cli/authentication  Depot
depot_project_      h 60   2026-11-30 depot.dev/docs/cli/authentication  Depot
chpt_               h =24  2026-11-30 chromatic.com/docs/cli  Chromatic
mzp_                w 64   2026-11-30 materialize.com/docs  Materialize
p.eyJ               d 60   2026-11-30 tinybird.co/docs/api-reference/token-api  Tinybird
md-                 a =22  2026-11-30 mailchimp.com/developer/transactional  Mailchimp transactional
bxt_                w 30   2026-11-30 developer.brex.com/docs/authentication  Brex
retool_             l 26   2026-11-30 docs.retool.com  Retool
fhb-                w 40   2026-11-30 docs.firehydrant.com  FireHydrant
cu_                 h =32  2026-11-30 checklyhq.com/docs  Checkly
pdl_live_apikey_    w 40   2026-11-30 developer.paddle.com/api-reference  Paddle
pdl_sdbx_apikey_    w 40   2026-11-30 developer.paddle.com/api-reference  Paddle sandbox
polar_oat_          a 30   2026-11-30 polar.sh/docs  Polar
sk-let-             w 40   2026-11-30 docs.letta.com  Letta
ATSTT3              x 60   2026-11-30 support.atlassian.com  Atlassian service account
sbp_v0_             h 40   2026-11-30 supabase.com/docs  Supabase OAuth
ctx7sk-             w 32   2026-11-30 context7.com/docs/howto/api-keys  Context7
sb_temp_            w 20   2026-11-30 supabase.com/docs  Supabase temporary
"""
