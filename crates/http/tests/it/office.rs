//! The Registration Authority API with an API user at its door.

use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request};
use http_doors::{Peer, Product, RegistrationDoorConfig, registration_router};
use model::RaId;
use model::authority::Permissions;
use serde_json::{Value, json};

use crate::house::{Answer, House};

/// Where links of lists lead.
pub const BASE: &str = "https://ra.example.org";

/// A house whose side door is open.
pub struct Office {
    pub house: House,
    pub router: Router,
    /// The registration authority's number.
    pub authority: i64,
    /// An API user's certificate, DER.
    pub certificate: Vec<u8>,
}

impl Office {
    pub async fn open() -> Self {
        Self::open_with(|_| {}).await
    }

    /// Opens with a configuration that `adapt` may change.
    pub async fn open_with(adapt: impl FnOnce(&mut RegistrationDoorConfig)) -> Self {
        let house = House::build().await;
        let product = Product {
            name: "avouch",
            version: "0.0.0",
        };
        let entropy = std::sync::Arc::new(crypto::SystemEntropy);
        let mut config = RegistrationDoorConfig::new(BASE, product, entropy);
        adapt(&mut config);
        let authority = house.authority.parse().unwrap();
        let router = registration_router(house.service.clone(), config);
        let mut office = Self {
            router,
            house,
            authority,
            certificate: Vec::new(),
        };
        office.certificate = office.issue(Permissions::Administrator).await;
        office
    }

    /// The certificate of a new API user with these permissions.
    pub async fn issue(&self, permissions: Permissions) -> Vec<u8> {
        let service = &self.house.service;
        let operator = service.operator().await.unwrap();
        let user = service
            .issue_user(&operator, RaId(self.authority), permissions, "client", 30)
            .await
            .unwrap();
        user.certificate
    }

    /// Sends a request from `address` with `certificate` shown in the handshake.
    pub async fn send_from(
        &self,
        address: &str,
        certificate: Option<&[u8]>,
        mut request: Request<Body>,
    ) -> Answer {
        request.extensions_mut().insert(Peer {
            address: address.parse().unwrap(),
            certificate: certificate.map(<[u8]>::to_vec),
        });
        Answer::of(&self.router, request).await
    }

    /// Sends a request as the API user.
    pub async fn send(&self, request: Request<Body>) -> Answer {
        self.send_from("192.0.2.1", Some(&self.certificate), request)
            .await
    }

    pub async fn call(&self, method: Method, path: &str, body: impl Into<Body>) -> Answer {
        let request = Request::builder().method(method).uri(path);
        self.send(request.body(body.into()).unwrap()).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.call(Method::GET, path, Body::empty()).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.call(Method::POST, path, body.to_string()).await
    }

    pub async fn put(&self, path: &str, body: Value) -> Answer {
        self.call(Method::PUT, path, body.to_string()).await
    }

    /// Posts a multipart form whose boundary is `b`.
    pub async fn post_form(&self, path: &str, form: impl Into<Body>) -> Answer {
        let request = Request::post(path)
            .header("content-type", crate::house::FORM)
            .body(form.into());
        self.send(request.unwrap()).await
    }

    /// The first unused scratchcard's number.
    pub async fn scratchcard(&self) -> String {
        let card = self.get("/api/v1/scratchcards/get_first_unused/").await;
        assert_eq!(card.status, 200, "{}", card.json());
        card.json()["sn"].as_str().unwrap().to_owned()
    }

    /// Creates a request with these members beside the least.
    pub async fn create(&self, more: Value) -> Value {
        let mut body = json!({
            "profile": "PFnubeAFCiudadano",
            "scratchcard": self.scratchcard().await,
            "registration_authority": self.authority.to_string(),
            "email": "ana@example.org",
        });
        if let (Value::Object(body), Value::Object(more)) = (&mut body, more) {
            body.extend(more);
        }
        let created = self.post("/api/v1/requests/", body).await;
        assert_eq!(created.status, 201, "{}", created.json());
        created.json()
    }
}
