"""Names of services whose keys stand below the name alone: `algolia = "..."`, `datadog: ...`.

Data only. Words that are also ordinary ones (linear, square, vault) are left out: below them a long
value is as likely an id.
"""

from __future__ import annotations

ISSUERS = frozenset(
    """ably abstractapi accuweather adafruit adobe airtable aiven akamai alchemyapi algolia
    alibaba aliyun amadeus amplitude anthropic apify appcenter appfigures appoptics appveyor
    artifactory asana assemblyai atlassian auth0 authress aylien baremetrics beamer besttime
    bigml binance bitbucket bitfinex bitly bitmex bitrise bittrex blablabus blockfrost
    bluesnap braintree brandfetch browserless browserstack bugherd bugsnag buildkite bulksms
    bunnynet buttercms bybit calendarific calendly captaindata censys cexio chargebee
    chartmogul checkvist cicero circleci clarifai clearbit clearout clickhelp clickhouse
    clicksend clickup cliengo clockify clojars cloudconvert cloudflare cloudinary cloudmersive
    cloudsmith codacy codeclimate codecov codequiry cohere coinapi coinbase coinlayer coinlib
    coinmarketcap commercejs confluent contentful contently convertkit couchbase countrylayer
    coveralls crossbrowsertesting crowdin crowdstrike currencylayer currencyscoop customerio
    databricks datadog datagov deepgram deepseek descope detectify digitalocean discogs
    discord dnscheck dnsimple docparser docusign doppler dovico dronahq droneci dropbox duffel
    dwolla dynalist dynatrace eagleeyenetworks easypost edamam edenai elasticemail elevenlabs
    emailoctopus enablex etherpad etherscan etsy everhour exportsdk facebook faceplusplus
    facepp fastforex fastly fibery fileio finage finicity finnhub firebase fixerio flatio
    fleetbase flickr flightapi flightlabs flightstats flowflu flutterwave formbucket formcraft
    foursquare frameio freshbooks freshdesk fxmarket geckoboard gengo geoapify geocodio
    geoipifi getemail getgeoapi getgist getresponse giphy gitea gitguardian gitter glassnode
    gocardless gogs grafana graphcms graphhopper groq gtmetrix happyscribe hcloud hellosign
    helpcrunch helpscout heroku hetzner hiveage holidayapi honeybadger honeycomb hotjar
    html2pdf hubspot huggingface hypertrack iconfinder iexcloud imagekit imagga imgur
    infracost infura insightly instamojo instapaper intercom intrinio invoiceocean
    ipgeolocation ipinfo ipquality ipstack iterable jfrog jotform jumpcloud juro karmacrm
    keenio keycdn kickbox klaviyo klipfolio knapsackpro kontent koyeb kraken kucoin lambdatest
    langsmith lastfm launchdarkly leadfeeder lemlist lessannoyingcrm lightstep linkedin linode
    livestorm logdna loggly logzio lokalise loyverse lunchmoney macaddress madkudu
    mailboxlayer mailchimp mailerlite mailersend mailgun mailjet mailmodo mandrill mapbox
    mapquest marketstack mattermost maxmind meaningcloud mediastack meilisearch meistertask
    mesibo messagebird messari metabase mindmeister mistral mixmax mixpanel mockaroo moonclerk
    moosend moralis mrticktock musixmatch myfreshworks myintervals nasdaqdatalink netlify
    neutrinoapi newrelic newsapi nexmo ngrok nicereply nightfall noticeable nozbeteams
    numverify nutritionix nytimes okta onedesk onelogin onesignal onwater openai opencage
    opencagedata openuv openweather openweathermap opsgenie optidash optimizely owlbot
    pagerduty pandadoc pandascore papertrail parseur partnerstack passbase paypal paystack
    pdflayer pepipost perplexity photoroom pinecone pipedream pipedrive pivotaltracker pixabay
    plaid planetscale plivo polygonio positionstack posthog postmark prodpad prospectcrm
    protocolsio proxycrawl pubnub pulumi purestake pushbullet pusher pushover qase qdrant
    qualaroo qualys qubole quickbase radarr rapid7 rapidapi rawg razorpay readme_io rebrandly
    rechargepayments repairshopr replicate restpack ritekit rocketreach rollbar rownd runrunit
    salesblink salesflare salesmate satismeter saucelabs scaleway scalingo scrapeowl
    scraperapi scraperbox scrapestack scrapfly scrapingbee screenshotapi screenshotlayer
    securitytrails segment selectpdf sendbird sendgrid sendinblue sentry serpapi serpstack
    sheety sherpadesk shippo shodan shopify shotstack shutterstock sidekiq signable signaturit
    signupgenius sigopt simplesat simplynoted simvoly sinch skybiometry slackwebhook
    smartsheets smooch snipcart snyk sonarcloud sonarqube sonarr soundcloud sourcegraph
    sparkpost speechtext splunk spoonacular sportsmonk spotify squarespace statuscake
    statuspage stitchdata stockdata storecove stormboard stormglass storyblok stripo stytch
    sumologic surge surveyanyplace surveybot surveysparrow survicate swiftype tailscale tatum
    tavily teamgate technicalanalysis telegram telnyx tenable text2data textmagic thehive
    thousandeyes ticketmaster tiingo timezoneapi tineswebhook tmdb todoist tokeet tomorrowio
    tomtom tradier transferwise travelpayouts travisci trello twilio twitch twitter tyntec
    typeform typesense ubidots uclassify unifyid unplugg unsplash upcdatabase uplead
    uploadcare upstash uptimerobot upwave urlscan userflow userstack vatlayer vbout vercel
    verimail virustotal visualcrossing voicegain vonage vouchery vultr vyte wakatime walkscore
    weatherapi weaviate webflow wepay whoxy wistia wolfram wolframalpha workos worksnaps
    workstack wrike xai xata yandex yelp youneedabudget youtube zapier zendesk zenkitapi
    zenrows zenserp zerobounce zerotier zipapi zipbooks zipcodeapi zonkafeedback""".split()
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
