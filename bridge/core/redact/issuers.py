"""Names of services whose keys stand below the name alone: `algolia = "..."`, `datadog: ...`.

Data only. Words that are also ordinary ones (linear, square, vault) are left out: below them a long
value is as likely an id.
"""

from __future__ import annotations

ISSUERS = frozenset(
    """abstractapi adafruit adobe airtable algolia alibaba aliyun alchemyapi amplitude anthropic
    apify asana atlassian authress beamer bitbucket bitfinex bitly bittrex blockfrost
    browserstack buildkite chargebee circleci clarifai clearbit clickup clojars cloudflare
    cloudinary cloudsmith codacy codecov codeclimate cohere coinbase confluent contentful
    coveralls crowdin databricks datadog deepgram deepseek digitalocean discord docusign
    doppler dropbox droneci duffel dynatrace easypost elevenlabs etherscan etsy facebook
    fastly finicity finnhub firebase flickr flutterwave freshbooks freshdesk frameio giphy
    gitter gocardless grafana groq helpscout heroku honeycomb hubspot huggingface infracost
    infura intercom ipinfo ipstack jfrog jotform klaviyo kraken kucoin langsmith
    launchdarkly linkedin loggly logzio lunchmoney mailchimp mailgun mailjet mandrill mapbox
    mattermost messagebird mistral mixpanel netlify newrelic newsapi ngrok nytimes okta
    openai openweather openweathermap optimizely pagerduty paypal paystack perplexity
    pinecone pipedrive plaid planetscale positionstack posthog postmark pubnub pulumi
    rapidapi razorpay readme_io rechargepayments replicate rollbar saucelabs scalingo
    segment sendbird sendgrid sendinblue sentry shippo shodan shopify sidekiq snyk
    sonarcloud sonarqube sourcegraph spotify squarespace statuspage sumologic surge tavily
    telegram tmdb todoist travisci trello twilio twitch twitter typeform unsplash urlscan
    vercel virustotal vonage wakatime weatherapi webflow wepay xai yandex youtube zapier
    zendesk zenserp zerotier""".split()
)

# Words behind such a name that make it an id, a place or a setting.
ABOUT = frozenset(
    """sid channel account customer team user app application project org organization organisation
    zone site workspace bucket deployment deploy release version commit sha branch ray trace
    span request session event page space board list repo repository dataset table index
    environment image build job run task issue ticket price plan product domain dns record
    site webhook url uri host region name id ids slug hash digest etag cache public
    publishable""".split()
)
