//! Liveness, version and the server-wide settings.

use axum::body::Body;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::Serialize;
use serde_json::{Value, json};
use service::{Error, Problems};
use utoipa::ToSchema;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::Schema;

use super::dialect::{Refusal, Success};
use super::door::Door;
use super::endpoint::Endpoint;
use super::refusal::{Call, Fault};
use super::schema;
use crate::config::Machine;

const GROUP: &str = "Server";
const SAVED: &str = "Settings saved successfully";

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get(Call::Hello, hello)
            .paths(&["/hello"], &["/hello"])
            .about(GROUP, "Hello", "Says that the server listens.")
            .answers(Success::text("Hello")),
        Endpoint::get(Call::Version, version)
            .paths(&["/version"], &["/version"])
            .about(GROUP, "Version", "Of the program and of the machine.")
            .answers_with::<Version>(Success::payload(
                "avouch 0.1.0",
                json!({
                    "name": "avouch",
                    "version": "0.1.0",
                    "info": {
                        "machine": "x86_64", "system": "Linux", "release": "6.1",
                        "version": "#1 SMP", "hostname": "node-1", "processor": "x86_64",
                    },
                }),
            )),
        Endpoint::get(Call::GetSettings, get)
            .paths(&["/settings"], &["/settings"])
            .about(
                GROUP,
                "Get the settings",
                "Defaults for members that calls leave out. Secrets are masked.",
            )
            .answers_each(
                Some(settings_schema()),
                Some(settings_schema()),
                Success::payload("Settings", settings_sample()),
            ),
        Endpoint::post(Call::UpdateSettings, update)
            .paths(&["/settings"], &["/settings"])
            .about(
                GROUP,
                "Change the settings",
                "Any subset; what is not sent stays. Demands the admin key where there is one.",
            )
            .json(
                settings_schema(),
                json!({ "request": { "default_profile": "PFnubeNC" } }),
                true,
            )
            .answers(Success::text(SAVED))
            .refuses(|| {
                let mut kind = Problems::default();
                kind.invalid("request.default_ra", "must be a number");
                vec![
                    (
                        Error::Fields(kind).into(),
                        "Values of the wrong kind; all are named.",
                    ),
                    (
                        not_admin(),
                        "The operator has set an admin key, and the request does not bring it.",
                    ),
                ]
            }),
    ]
}

async fn hello(door: Door) -> Response {
    door.answer(Call::Hello, async { Ok(Success::text("Hello")) })
        .await
}

async fn version(door: Door) -> Response {
    door.answer(Call::Version, async {
        let product = door.config.product;
        let payload = Version {
            name: product.name,
            version: product.version,
            info: door.config.machine.clone(),
        };
        let message = format!("{} {}", product.name, product.version);
        Ok(Success::payload(message, json!(payload)))
    })
    .await
}

async fn get(door: Door) -> Response {
    door.answer(Call::GetSettings, async {
        Ok(Success::payload("Settings", door.service.settings().await?))
    })
    .await
}

async fn update(door: Door, headers: HeaderMap, body: Body) -> Response {
    door.answer(Call::UpdateSettings, async {
        if !door.config.keys.admit_admin(&headers) {
            return Err(not_admin());
        }
        let patch = door.fields(&headers, body).await?.into_members();
        door.service.update_settings(&patch).await?;
        Ok(Success::text(SAVED))
    })
    .await
}

fn not_admin() -> Fault {
    let text = "You do not have permission to perform this action";
    Fault::from(
        Refusal::new(StatusCode::FORBIDDEN, text)
            .with_reason("changing the settings takes the admin key"),
    )
}

/// Program and machine.
#[derive(Serialize, ToSchema)]
struct Version {
    name: &'static str,
    version: &'static str,
    info: Machine,
}

fn settings_schema() -> RefOr<Schema> {
    let section = schema::open_object;
    schema::object(
        "Settings by section. Values are texts, `general.usepdfclean` a flag.",
        vec![
            (
                "general",
                section("`environment`, `usepdfclean`, `configuration`, `rootstore`."),
                false,
            ),
            ("tsa", section("`tsa_url`."), false),
            (
                "request",
                section("`default_profile`, `default_ra`."),
                false,
            ),
            (
                "billing",
                section("`billing_username`, `billing_password`."),
                false,
            ),
            (
                "proxy",
                section(
                    "`useproxy`, `proxy_host`, `proxy_port`, `proxy_protocol`, `proxy_username`, `proxy_password`, `useproxycredentials`.",
                ),
                false,
            ),
        ],
    )
}

fn settings_sample() -> Value {
    json!({
        "general": {
            "environment": "sandbox", "usepdfclean": false, "configuration": "default",
            "rootstore": "manual",
        },
        "tsa": { "tsa_url": "" },
        "request": { "default_profile": "PFnubeNC", "default_ra": "1" },
        "billing": { "billing_username": "demo", "billing_password": "********" },
    })
}
