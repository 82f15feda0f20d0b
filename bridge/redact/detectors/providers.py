"""Token formats of providers, as data: prefix, alphabet, length, whose.

Facts from the providers' own documentation and from the tokens they hand out. The table holds
prefixes and lengths only, no token. Columns: prefix, alphabet of the body, usual shortest body,
issuer. `=` before the length: exactly so long (for prefixes too short to stand alone).

Alphabets: a letters and digits, w these and `_-`, d these and `.`, h lower-case hex, H either hex,
u upper-case letters and digits, l lower-case letters and digits, b base64, x anything of a token
(`A-Za-z0-9_.~+/=:%-`).
"""

from __future__ import annotations

OWN = """
mog_            a 16  Mogplex; the 12 characters shown in lists are no secret
msk_            w 12  MIOSA: msk_u_, msk_a_, msk_p_, msk_live_
convo_          w 12  moot
sset_           w 12  MIOSA stream tickets
mootup_pat_     w 12  moot
"""

TABLE = """
ghp_            a 36  GitHub personal
gho_            a 36  GitHub OAuth
ghu_            a 36  GitHub user to server
ghs_            a 36  GitHub server to server
ghr_            a 36  GitHub refresh
github_pat_     w 60  GitHub fine grained
v1.             h =40 GitHub installation (old)
glpat-          d 20  GitLab personal
glptt-          h 40  GitLab trigger
gldt-           w 20  GitLab deploy
glrt-           d 20  GitLab runner
glrtr-          w 20  GitLab runner registration
glcbt-          w 20  GitLab CI build
glsoat-         w 20  GitLab SCIM
glft-           w 20  GitLab feed
glimt-          w 25  GitLab incoming mail
glagent-        w 50  GitLab agent
gloas-          h 64  GitLab OAuth application
glffct-         w 20  GitLab feature flags
glwt-           w 20  GitLab workspace
gr1348941       w 20  GitLab runner (old)
atbb            a 28  Bitbucket app
atctt3          x 40  Atlassian OAuth
atatt3          x 60  Atlassian API
atsta           x 60  Atlassian
bbdc-           b 40  Bitbucket data center
xoxb-           w 24  Slack bot
xoxp-           w 24  Slack user
xoxa-           w 24  Slack app (old)
xoxr-           w 24  Slack refresh
xoxs-           w 24  Slack session
xoxo-           w 24  Slack
xoxc-           w 24  Slack client
xoxd-           x 24  Slack cookie
xoxe-           w 24  Slack configuration refresh
xoxe.           w 24  Slack rotated
xapp-           w 24  Slack app level
sk_live_        w 16  Stripe and others
sk_test_        w 16  Stripe and others
sk_prod_        w 16  Liveblocks and others
rk_live_        w 16  Stripe restricted
rk_test_        w 16  Stripe restricted
whsec_          b 24  Stripe, Svix webhook
sk-ant-         w 30  Anthropic
sk-proj-        w 30  OpenAI project
sk-svcacct-     w 30  OpenAI service account
sk-admin-       w 30  OpenAI admin
sk-or-          w 30  OpenRouter
sk-lf-          w 30  Langfuse
sk-             w 20  OpenAI, DeepSeek, Moonshot and others
sk_             a 32  ElevenLabs, WorkOS and others
sess-           a 40  OpenAI session
aiza            w =35 Google API
ya29.           d 20  Google OAuth access
gocspx-         w 24  Google OAuth client secret
1//0            w 30  Google OAuth refresh
akia            u =16 AWS access key id
asia            u =16 AWS temporary access key id
abia            u =16 AWS bearer
acca            u =16 AWS context
a3t             u =17 AWS (old)
absk            b 100 AWS Bedrock
bedrock-api-key- b 60 AWS Bedrock
dop_v1_         h 64  DigitalOcean personal
doo_v1_         h 64  DigitalOcean OAuth
dor_v1_         h 64  DigitalOcean refresh
hrku-           w 36  Heroku
npm_            a 36  npm
pypi-           w 50  PyPI
rubygems_       h 48  RubyGems
cio             a =32 crates.io
oy2             l =43 NuGet
dckr_pat_       w 24  Docker personal
dckr_oat_       w 24  Docker organisation
clojars_        l 60  Clojars
packagist_      w 30  Packagist
hf_             a 34  Hugging Face
api_org_        a 34  Hugging Face organisation
r8_             a 37  Replicate
gsk_            a 40  Groq
xai-            a 60  xAI
pplx-           a 40  Perplexity
nvapi-          w 60  NVIDIA
tgp_v1_         w 40  Together
fw_             a =22 Fireworks
fc-             h =32 Firecrawl
csk-            l 40  Cerebras
jina_           a 50  Jina
tvly-           w 24  Tavily
pcsk_           w 50  Pinecone
lsv2_           w 40  LangSmith
wandb_v1_       w 40  Weights & Biases
apify_api_      a 30  Apify
e2b_            h 40  E2B
esecret_        a 20  Anyscale
bb_live_        w 20  Browserbase
sgp_            w 40  Sourcegraph
slk_            h 64  Sourcegraph licence
sgamp_          w 40  Sourcegraph Amp
crsr_           h 60  Cursor
rpa_            u 40  RunPod
key_            h =64 Cursor
vcp_            a 50  Vercel personal
vci_            a 50  Vercel integration
vca_            a 50  Vercel app
vcr_            a 50  Vercel refresh
vck_            a 50  Vercel AI gateway
vercel_blob_rw_ w 30  Vercel blob
sbp_            h 40  Supabase personal
sb_secret_      w 24  Supabase secret
sba_            w 30  Supabase
napi_           l 40  Neon
pscale_         d 32  PlanetScale
ccdb1_          a 40  CockroachDB
xau_            a 40  Xata
mdb_sa_sk_      w 40  MongoDB Atlas
fna             w =37 Fauna
dapi            h =32 Databricks
dkea            h =32 Databricks
dose            h =32 Databricks
dbtc_           w 30  dbt cloud
dbtu_           w 30  dbt cloud
avns_           w 15  Aiven
essu_           b 60  Elastic cloud
glsa_           w 32  Grafana service account
glc_            b 50  Grafana cloud
eyjrijoi        b 40  Grafana API key (old)
nrak-           u 24  New Relic user
nrii-           w 32  New Relic insert
nriq-           w 32  New Relic query
nrjs-           h 19  New Relic browser
nrra-           h 40  New Relic REST
nral            w 36  New Relic licence
sntrys_         b 60  Sentry organisation
sntryu_         h 60  Sentry user
sntryi_         h 60  Sentry integration
hcaik_          w 58  Honeycomb
hcxik_          w 58  Honeycomb
hcalk_          w 58  Honeycomb
dt0c01.         d 60  Dynatrace
dt0s0           d 60  Dynatrace
xaat-           H 32  Axiom
xapt-           H 32  Axiom
phx_            a 40  PostHog personal
phs_            a 40  PostHog secret
dp.pt.          a 40  Doppler personal
dp.st.          d 40  Doppler service
dp.ct.          a 40  Doppler CLI
dp.sa.          a 40  Doppler service account
dp.scim.        a 40  Doppler SCIM
dp.audit.       a 40  Doppler audit
hvs.            w 24  HashiCorp Vault service
hvb.            w 90  HashiCorp Vault batch
hvr.            w 90  HashiCorp Vault recovery
s.              a =24 HashiCorp Vault (old)
ops_            w 200 1Password service account
a3-             u 30  1Password secret key
st.             d 60  Infisical
pul-            h 40  Pulumi
ccipat_         w 40  CircleCI
ccipriv_        w 40  CircleCI
bkua_           h 40  Buildkite
bkaj_           h 30  Buildkite
bkct_           w 20  Buildkite
sqp_            h 40  SonarQube project
squ_            h 40  SonarQube user
sqa_            h 40  SonarQube global
snyk_           d 60  Snyk
akcp            a 60  JFrog
cmvmdgtu        a 50  JFrog reference
nfp_            a 36  Netlify personal
nfc_            a 36  Netlify CLI
nfo_            a 36  Netlify OAuth
nfu_            a 36  Netlify UI
nfb_            a 36  Netlify build
flyv1           x 60  Fly.io
fm2_            b 60  Fly.io
fm1r_           b 60  Fly.io
fm1a_           b 60  Fly.io
fo1_            w 40  Fly.io
rnd_            a 28  Render
scw             u =17 Scaleway access key
v1.0-           w 100 Cloudflare origin CA
cfut_           w 40  Cloudflare user
cfat_           w 40  Cloudflare account
tskey-          w 20  Tailscale
sk              h =32 Twilio API key
sg.             d 40  SendGrid
key-            h =32 Mailgun
pubkey-         h =32 Mailgun
xkeysib-        w 60  Brevo
xsmtpsib-       w 60  Brevo
re_             w =33 Resend
pk_             h =34 Klaviyo
eaac            a 60  Facebook
eaab            a 60  Facebook
eaad            a 60  Facebook
eaag            a 60  Facebook
eaaa            w 60  Square, Facebook
igqv            w 60  Instagram
igaa            w 60  Instagram
aaaaaaaaaaaaaaaaaaaa x 30 X (Twitter) bearer
sl.             w 60  Dropbox
secret_         a =43 Notion (old)
ntn_            a 40  Notion
lin_api_        a 32  Linear
lin_oauth_      h 32  Linear
figd_           w 36  Figma
figu_           w 36  Figma
figo_           w 36  Figma
figdr_          w 36  Figma
atta            H 60  Trello
shpat_          H 32  Shopify access
shpca_          H 32  Shopify custom app
shppa_          H 32  Shopify private app
shpss_          H 32  Shopify shared secret
shpua_          H 32  Shopify user
shptka_         H 32  Shopify theme
sq0atp-         w 22  Square access
sq0csp-         w 40  Square OAuth secret
access_token$   x 30  PayPal, Braintree
access-sandbox- w 32  Plaid
access-production- w 32 Plaid
access-development- w 32 Plaid
rzp_live_       a 14  Razorpay
rzp_test_       a 14  Razorpay
flwseck-        w 32  Flutterwave
flwseck_test-   w 12  Flutterwave
ezak            a =54 EasyPost
eztk            a =54 EasyPost
shippo_live_    h 40  Shippo
shippo_test_    h 40  Shippo
live_           h =35 Lob
test_           h =35 Lob
duffel_live_    w 40  Duffel
duffel_test_    w 40  Duffel
alcht_          a 28  Alchemy
cfpat-          w 40  Contentful
tfp_            d 40  Typeform
pat-na1-        w 32  HubSpot
pat-eu1-        w 32  HubSpot
rdme_           l 60  ReadMe
pmak-           w 50  Postman
pmat-           w 24  Postman
fio-u-          w 60  Frame.io
ltai            a 16  Alibaba
akid            a 28  Tencent
aklt            a 30  Volcengine
aqvn            w 35  Yandex
t1.             x 80  Yandex IAM
y0_             w 50  Yandex OAuth
vk1.a.          w 60  VK
secret-live-    w 32  Stytch
secret-test-    w 32  Stytch
ory_            w 32  Ory
perm:           x 40  JetBrains
perm-           x 40  JetBrains
api-            u =26 Octopus Deploy
sha256~         w 43  OpenShift
swmtkn-1-       w 60  Docker swarm
swmkey-1-       w 40  Docker swarm
p8e-            w 32  Adobe client secret
pat             d =79 Airtable personal
eyjhdxrocyi6    b 24  Docker configuration with logins, in base64
ewogicahdxroc   b 24  the same, indented
pk.eyj          d 60  Mapbox public
sk.eyj          d 60  Mapbox secret
tk.eyj          d 60  Mapbox temporary
n8n_api_        w 32  n8n
pnu_            a 36  Prefect
pnb_            a 36  Prefect
signkey-        w 32  Inngest
tr_dev_         a 20  Trigger.dev
tr_prod_        a 20  Trigger.dev
os_v2_          l 60  OneSignal
pdl_            w 40  Paddle
polar_          w 30  Polar
gaaaaa          x 60  Fernet
zpka_           w 30  Zuplo
unkey_          w 16  Unkey
tsec_           w 40  Tigris
amzn.mws.       w 30  Amazon marketplace
amzn1.oa2-cs.   d 40  Amazon login client secret
atzr|           x 60  Amazon refresh
age-secret-key- u 50  age
age-plugin-     u 50  age
xprv            a =107 BIP 32
coze_           w 40  Coze
pat_            a =64 Coze
oauth2:         w 20  Git remote with a token
x-access-token: w 20  GitHub remote with a token
lmsk_           w 24  LangSmith (old)
ls__            w 32  LangSmith (old)
cs_live_        w 40  Stripe client secret
seti_           w 60  Stripe client secret
bsa             w =28 Brave
fnae            w 36  Fauna
ico-            a 32  Infracost
s-s4t2ud-       h 64  42 Intra
s-s4t2af-       h 64  42 Intra
tk-us-          w 48  Scalingo
sm_aat_         a 16  SettleMint application
sm_pat_         a 16  SettleMint personal
sm_sat_         a 16  SettleMint service
endr+           w 16  Endor Labs
4b1d            a =38 ClickHouse Cloud
pat.            d 60  Harness personal
sat.            d 60  Harness service
cal_live_       h 32  Cal.com
tk_             l =29 ntfy
eaam            a 60  Facebook
sk-ant-admin    w 30  Anthropic admin
glrt-t          w 24  GitLab runner (routable)
rootly_         h 64  Rootly
daytona_        w 30  Daytona
dtn_            h 60  Daytona
bfl_sk_         w 30  Black Forest Labs
helicone-       w 30  Helicone
cpk_            d 40  Chutes
"""
