//! A service with its pages, and a visitor's browser for them that runs no script.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, header};
use bytes::Bytes;
use console::ConsoleConfig;
use crypto::{MasterKey, SystemEntropy};
use delivery::{TextMessage, sms_context};
use model::event::WebhookFormat;
use model::otp::OtpPolicy;
use model::{Clock, RaId, RaoId};
use pki::profile::natural_person::Qualification;
use pki::{AuthorityNames, AuthorityUrls};
use service::registration::{AttachmentKind, Caller, NewAttachment, OfficerCredentials};
use service::{
    CodeDelivery, Limits, NewAuthority, NewOfficer, Parts, Policy, Service, TrustAnchors,
};
use store::{Channel, Store};
use time::Duration;
use tower::ServiceExt;

/// Where the pages are reached.
pub const ADDRESS: &str = "http://localhost";

/// A server without a socket.
pub struct House {
    pub router: Router,
    service: Service,
    store: Store,
    master: MasterKey,
    operator: Caller,
    authority: RaId,
    officer: RaoId,
    _folder: tempfile::TempDir,
}

struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> time::OffsetDateTime {
        time::OffsetDateTime::from(std::fs::metadata("/proc/self").unwrap().modified().unwrap())
    }
}

impl House {
    pub async fn build() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let entropy = Arc::new(SystemEntropy);
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let urls = AuthorityUrls::at(ADDRESS);
        let names = AuthorityNames {
            country: "ES".into(),
            organisation: "Example".into(),
            organisation_identifier: None,
            prefix: "Example".into(),
        };
        let authorities = pki::establish(&names, &urls, clock.now(), &*entropy).unwrap();
        let database = format!("sqlite:{}", folder.path().join("db").display());
        let store = Store::open(&database).await.unwrap();
        let master = MasterKey::generate(&*entropy);
        let service = Service::new(Parts {
            store: store.clone(),
            blobs: blob::BlobStore::local(folder.path().join("blobs"))
                .await
                .unwrap(),
            master: master.clone(),
            anchors: TrustAnchors::new(authorities, &urls).unwrap(),
            one_time_keys: service::OneTimeKeys::default(),
            renderer: contract::Renderer::new(),
            clock,
            entropy: entropy.clone(),
            policy: policy(),
            outbox: Arc::default(),
        });
        let authority = service
            .create_authority(NewAuthority {
                name: "Example RA".into(),
                webhook_url: None,
                webhook_format: WebhookFormat::Event,
                webhook_secret: None,
                external_unlock: Vec::new(),
            })
            .await
            .unwrap();
        let officer = service
            .create_officer(NewOfficer {
                ra: authority,
                username: "officer".into(),
                password: "correct horse".into(),
                pin: "123456".into(),
                given_name: "Olga".into(),
                surname: "Officer".into(),
                identity: "IDCES-00000000T".into(),
                country: "ES".into(),
            })
            .await
            .unwrap();
        let config = ConsoleConfig {
            public_url: ADDRESS.into(),
            organisation: "Example".into(),
            entropy,
            secure_cookies: false,
        };
        Self {
            router: console::router(service.clone(), config),
            operator: service.operator().await.unwrap(),
            service,
            store,
            master,
            authority,
            officer,
            _folder: folder,
        }
    }

    /// An approved request under a profile: the path of its link.
    pub async fn invite(&self, profile: &str) -> String {
        let operator = &self.operator;
        let cards = self
            .service
            .make_scratchcards(operator, self.authority, 1)
            .await
            .unwrap();
        let fields = [
            ("profile", profile),
            ("scratchcard", &cards[0].sn),
            ("registration_authority", &self.authority.to_string()),
            ("id_document_type", "IDC"),
            ("id_document_country", "ES"),
            ("serial_number", "99999999R"),
            ("given_name", "Ana"),
            ("surname_1", "Muestra"),
            ("smartcard_sn", "0001"),
            ("email", specimens::EMAIL),
            ("mobile_phone_number", specimens::PHONE),
        ];
        let form = fields.map(|(name, value)| (name.to_owned(), Some(value.to_owned())));
        let created = self.service.register(operator, form.into()).await.unwrap();
        let id = created.request.0;
        for (kind, content) in [
            (AttachmentKind::DocumentFront, specimens::ID_FRONT),
            (AttachmentKind::DocumentRear, specimens::ID_REAR),
        ] {
            let new = NewAttachment {
                kind,
                label: None,
                content: Bytes::from_static(content),
            };
            self.service.attach(operator, id, new).await.unwrap();
        }
        let credentials = OfficerCredentials {
            username: Some("officer".into()),
            password: Some("correct horse".into()),
            pin: Some("123456".into()),
            rao: Some(self.officer.to_string()),
        };
        self.service
            .approve_registration(operator, id, credentials, Some("en"))
            .await
            .unwrap();
        let link = self.service.enrolment_link(operator, id, false).await;
        link.unwrap().strip_prefix(ADDRESS).unwrap().to_owned()
    }

    /// The enrollment code of a scratchcard, which a mail tells.
    pub async fn password(&self, sn: &str) -> String {
        let cards = self
            .service
            .scratchcards(&self.operator, None, Some(sn), 1)
            .await
            .unwrap();
        cards.items[0].secrets.enrollment_code.clone()
    }

    /// The code in the text message that waits to leave.
    pub async fn code(&self) -> String {
        let mut tx = self.store.begin().await.unwrap();
        let (now, lease) = (SystemClock.now(), Duration::minutes(5));
        let sent = store::outbox::lease(&mut tx, &[Channel::Sms], now, lease, 10)
            .await
            .unwrap();
        let sent = sent.last().expect("a text message");
        // The next one leaves only after it.
        store::outbox::delivered(&mut tx, sent.number, sent.attempts)
            .await
            .unwrap();
        tx.commit().await.unwrap();
        let message = &sent.message;
        let payload = self
            .master
            .open(&sms_context(&message.id), &message.payload);
        let text: TextMessage = serde_json::from_slice(&payload.unwrap()).unwrap();
        text.code.unwrap()
    }
}

fn policy() -> Policy {
    Policy {
        provider: "Example".into(),
        applicable_law: "Spanish law".into(),
        limits: Limits {
            document_bytes: 1 << 20,
            ..Limits::default()
        },
        otp: OtpPolicy {
            cooldown: Duration::ZERO,
            ..OtpPolicy::default()
        },
        code_delivery: CodeDelivery::Sms {
            text: "{code}".into(),
        },
        webhook_lifetime: Duration::days(1),
        mail_lifetime: Duration::days(1),
        link_lifetime: Duration::days(15),
        public_url: ADDRESS.into(),
        certificate_validity: Duration::days(1),
        signature_level: model::Level::default(),
        posture: model::Posture::default(),
        qualification: Qualification::None,
    }
}

/// Somebody's browser: keeps cookies, follows redirections.
pub struct Visitor<'a> {
    house: &'a House,
    cookie: Option<String>,
}

/// A page or a file.
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub content: Bytes,
}

impl Answer {
    pub fn text(&self) -> &str {
        str::from_utf8(&self.content).expect("a page")
    }

    /// What its `h1` says.
    pub fn title(&self) -> &str {
        let rest = self.text().split("<h1>").nth(1).expect("a heading");
        rest.split("</h1>").next().unwrap_or_default()
    }

    pub fn header(&self, name: header::HeaderName) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }
}

impl<'a> Visitor<'a> {
    pub fn of(house: &'a House) -> Self {
        Self {
            house,
            cookie: None,
        }
    }

    pub async fn open(&mut self, path: &str) -> Answer {
        self.go(Request::get(path), Body::empty()).await
    }

    /// Sends a form of ours.
    pub async fn send(&mut self, path: &str, fields: &str) -> Answer {
        let request = Request::post(path)
            .header("sec-fetch-site", "same-origin")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.follow(request, fields.to_owned().into()).await
    }

    /// Sends a form with files: headers after `form-data`, content.
    pub async fn send_parts(&mut self, path: &str, parts: &[(&str, &[u8])]) -> Answer {
        let mut body = Vec::new();
        for (disposition, content) in parts {
            let head = format!("--b\r\nContent-Disposition: form-data; {disposition}\r\n\r\n");
            body.extend_from_slice(head.as_bytes());
            body.extend_from_slice(content);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(b"--b--\r\n");
        let request =
            Request::post(path).header(header::CONTENT_TYPE, "multipart/form-data; boundary=b");
        self.follow(request, body.into()).await
    }

    async fn follow(&mut self, request: axum::http::request::Builder, body: Body) -> Answer {
        let answer = self.go(request, body).await;
        if answer.status == 303 {
            let to = answer.header(header::LOCATION).to_owned();
            return self.open(&to).await;
        }
        answer
    }

    async fn go(&mut self, mut request: axum::http::request::Builder, body: Body) -> Answer {
        if let Some(cookie) = &self.cookie {
            request = request.header(header::COOKIE, cookie);
        }
        let router = self.house.router.clone();
        let response = router.oneshot(request.body(body).unwrap()).await.unwrap();
        let (parts, body) = response.into_parts();
        let answer = Answer {
            status: parts.status.as_u16(),
            headers: parts.headers,
            content: to_bytes(body, usize::MAX).await.unwrap(),
        };
        let cookie = answer.header(header::SET_COOKIE);
        if let Some((pair, rules)) = cookie.split_once(';') {
            assert!(rules.contains("HttpOnly") && rules.contains("SameSite=Lax"));
            self.cookie = Some(pair.to_owned());
        }
        answer
    }
}
