//! A service with its doors, and a client for it.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, StatusCode};
use crypto::{MasterKey, SystemEntropy};
use http_body_util::BodyExt;
use http_doors::{DoorConfig, Product, router};
use model::Clock;
use model::event::WebhookFormat;
use model::otp::OtpPolicy;
use pki::{AuthorityNames, AuthorityUrls};
use secrecy::SecretString;
use serde_json::{Value, json};
use service::{
    CodeDelivery, Limits, NewAuthority, NewOfficer, Parts, Policy, Service, TrustAnchors,
};
use tower::ServiceExt;

pub const NEW: &str = "/oneshot/api/v1";
pub const LEGACY: &str = "/api/v1";

/// A server without a socket.
pub struct House {
    pub router: Router,
    pub service: Service,
    /// The registration authority's number.
    pub authority: String,
    _folder: tempfile::TempDir,
}

/// An answer that was read whole.
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub content: Vec<u8>,
}

impl Answer {
    pub async fn of(router: &Router, request: Request<Body>) -> Self {
        let response = router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let content = body.collect().await.unwrap().to_bytes().to_vec();
        Self {
            status: parts.status,
            headers: parts.headers,
            content,
        }
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.content).expect("the answer is JSON")
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }
}

struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> time::OffsetDateTime {
        time::OffsetDateTime::from(std::fs::metadata("/proc/self").unwrap().modified().unwrap())
    }
}

impl House {
    pub async fn build() -> Self {
        Self::build_with(|_| {}).await
    }

    /// Builds with a configuration that `adapt` may change.
    pub async fn build_with(adapt: impl FnOnce(&mut DoorConfig)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database = format!("sqlite:{}", folder.path().join("db").display());
        let entropy = Arc::new(SystemEntropy);
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let urls = AuthorityUrls::at("http://localhost");
        let names = AuthorityNames {
            country: "ES".into(),
            organisation: "Example".into(),
            organisation_identifier: None,
            prefix: "Example".into(),
        };
        let authorities = pki::establish(&names, &urls, clock.now(), &*entropy).unwrap();
        let service = Service::new(Parts {
            store: store::Store::open(&database).await.unwrap(),
            blobs: blob::BlobStore::local(folder.path().join("blobs"))
                .await
                .unwrap(),
            master: MasterKey::generate(&*entropy),
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
        service
            .create_officer(NewOfficer {
                ra: authority,
                username: "officer".into(),
                password: SecretString::from("correct horse"),
                pin: SecretString::from("123456"),
                given_name: "Olga".into(),
                surname: "Officer".into(),
                identity: "IDCES-00000000T".into(),
                country: "ES".into(),
            })
            .await
            .unwrap();
        let product = Product {
            name: "avouch",
            version: "0.0.0",
        };
        let mut config = DoorConfig::new("http://localhost", product, entropy);
        adapt(&mut config);
        Self {
            router: router(service.clone(), config, axum::Router::new()),
            service,
            authority: authority.to_string(),
            _folder: folder,
        }
    }

    pub async fn send(&self, request: Request<Body>) -> Answer {
        Answer::of(&self.router, request).await
    }

    pub async fn call(&self, method: Method, path: &str, body: impl Into<Body>) -> Answer {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .body(body.into());
        self.send(request.unwrap()).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.call(Method::GET, path, Body::empty()).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.call(Method::POST, path, body.to_string()).await
    }

    /// Posts a multipart form whose boundary is `b`.
    pub async fn post_form(&self, path: &str, content_type: &str, form: impl Into<Body>) -> Answer {
        let request = Request::builder()
            .method(Method::POST)
            .uri(path)
            .header("content-type", content_type)
            .body(form.into());
        self.send(request.unwrap()).await
    }

    /// Creates a request; gives its number and its VideoID's.
    pub async fn create(&self) -> (i64, i64) {
        let body = json!({
            "mobile_phone_number": "+34600000000",
            "email": "ana@example.com",
            "registration_authority": self.authority,
            "profile": "PFnubeNC",
            "env": "sandbox",
        });
        let created = self.post(&format!("{NEW}/videoid"), body).await;
        assert_eq!(created.status, 200, "{}", created.json());
        let detail = &created.json()["detail"];
        let number = |name: &str| detail[name].as_i64().unwrap();
        (number("request_pk"), number("videoid_pk"))
    }
}

pub fn policy() -> Policy {
    Policy {
        provider: "Example".into(),
        applicable_law: "Spanish law".into(),
        limits: Limits {
            json_bytes: 1 << 20,
            video_bytes: 2 << 20,
            ..Limits::default()
        },
        otp: OtpPolicy::default(),
        code_delivery: CodeDelivery::None,
        webhook_lifetime: time::Duration::days(1),
        mail_lifetime: time::Duration::days(1),
        link_lifetime: time::Duration::days(15),
        public_url: "http://localhost".into(),
        certificate_validity: time::Duration::days(1),
        signature_level: model::Level::default(),
        posture: model::Posture::default(),
        qualification: pki::profile::natural_person::Qualification::None,
    }
}

/// A form with these parts: headers after `form-data`, content.
pub fn form(parts: &[(&str, &str)]) -> String {
    let mut form = String::new();
    for (disposition, content) in parts {
        form += "--b\r\nContent-Disposition: form-data; ";
        form += &format!("{disposition}\r\n\r\n{content}\r\n");
    }
    form + "--b--\r\n"
}

pub const FORM: &str = "multipart/form-data; boundary=b";
