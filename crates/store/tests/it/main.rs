//! One suite for both engines.

mod audit;
mod concurrency;
mod groups;
mod jobs;
mod log;
mod migration;
mod opening;
mod outbox;
mod pages;
mod registration;
mod rows;

use std::path::PathBuf;

use model::authority::AuthoritySettings;
use model::event::WebhookFormat;
use model::{
    Environment, RaId, RaoId, RequestPk, SecureElement, Status, UserId, VideoIdPk, Workflow,
};
use sqlx::{AssertSqlSafe, Connection, PgConnection, SqliteConnection};
use store::{
    ApiUser, Channel, Officer, OutboxMessage, RegistrationAuthority, Request, Scratchcard, Store,
    StoredFile, Tx,
};
use tempfile::TempDir;
use time::{Duration, OffsetDateTime};

/// A database of the test's own.
struct Fixture {
    store: Store,
    url: String,
    home: Home,
}

enum Home {
    Sqlite(TempDir),
    Postgres(testkit::Postgres),
}

impl Home {
    fn sqlite() -> Self {
        Home::Sqlite(tempfile::tempdir().unwrap())
    }

    fn postgres() -> Self {
        Home::Postgres(testkit::Postgres::start())
    }

    fn url(&self) -> String {
        match self {
            Home::Sqlite(folder) => format!("sqlite:{}", folder.path().join("db").display()),
            Home::Postgres(postgres) => postgres.url(),
        }
    }

    /// Does what only somebody behind the program's back would do.
    async fn tamper(&self, sql: &str) -> Result<(), sqlx::Error> {
        let sql = sqlx::raw_sql(AssertSqlSafe(sql.to_owned()));
        match self {
            Home::Sqlite(_) => {
                let mut connection = SqliteConnection::connect(&self.url()).await?;
                sql.execute(&mut connection).await.map(drop)
            }
            Home::Postgres(_) => {
                let mut connection = PgConnection::connect(&self.url()).await?;
                sql.execute(&mut connection).await.map(drop)
            }
        }
    }
}

impl Fixture {
    async fn new(home: Home) -> Self {
        let url = home.url();
        Self {
            store: Store::open(&url).await.unwrap(),
            url,
            home,
        }
    }

    /// A second set of connections, as another process would have them.
    async fn other(&self) -> Store {
        Store::open(&self.url).await.unwrap()
    }

    /// The database's file.
    fn file(&self) -> PathBuf {
        PathBuf::from(self.url.strip_prefix("sqlite:").unwrap())
    }

    /// Does what only somebody behind the program's back would do.
    async fn tamper(&self, sql: &str) -> Result<(), sqlx::Error> {
        self.home.tamper(sql).await
    }
}

/// Makes two tests of one: `name::sqlite` and `name::postgres`.
macro_rules! on_both {
    ($($(#[$meta:meta])* async fn $name:ident($fixture:ident: Fixture) $body:block)*) => {
        $(
            $(#[$meta])*
            async fn $name($fixture: $crate::Fixture) $body

            mod $name {
                #[tokio::test(flavor = "multi_thread")]
                async fn sqlite() {
                    super::$name($crate::Fixture::new($crate::Home::sqlite()).await).await;
                }

                #[tokio::test(flavor = "multi_thread")]
                async fn postgres() {
                    super::$name($crate::Fixture::new($crate::Home::postgres()).await).await;
                }
            }
        )*
    };
}
use on_both;

/// A time with the precision that the store keeps.
fn at(seconds: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(1_800_000_000 + seconds).unwrap()
        + Duration::milliseconds(123)
}

fn authority(id: i64) -> RegistrationAuthority {
    RegistrationAuthority {
        id: RaId(id),
        parent: None,
        name: format!("Αρχή Εγγραφής {id}"),
        particulars: r#"{"city":"Αθήνα"}"#.to_owned(),
        settings: AuthoritySettings::default(),
        webhook_url: Some("https://example.test/hook".to_owned()),
        webhook_format: WebhookFormat::Status,
        webhook_secret: Some(vec![0, 255, 1]),
        videoid_enabled: true,
        external_unlock: vec!["bank \"id\"".to_owned(), "ключ".to_owned()],
        created_at: at(0),
    }
}

fn officer(id: i64, ra: i64) -> Officer {
    Officer {
        id: RaoId(id),
        ra: RaId(ra),
        authorities: vec![RaId(ra)],
        username: format!("officer-{id}"),
        given_name: "Zoë".to_owned(),
        surname_1: "Ångström".to_owned(),
        surname_2: None,
        identity: "IDCES-00000000T".to_owned(),
        document_number: None,
        document_description: None,
        document_issuer: None,
        email: None,
        is_identificator: false,
        certificate: vec![0x30, 0],
        serial: None,
        created_at: at(1),
    }
}

fn request(pk: i64, videoid_pk: i64) -> Request {
    Request {
        pk: RequestPk(pk),
        videoid_pk: VideoIdPk(videoid_pk),
        video_identifier: format!("{videoid_pk:032x}"),
        scratchcard: (4_000_000 + pk).to_string(),
        workflow: Workflow::OneShot,
        status: Status::VideoPending,
        ra: RaId(1),
        profile: "natural".to_owned(),
        secure_element: SecureElement::Cloud,
        validity_days: None,
        paperless: false,
        language: None,
        environment: Environment::Sandbox,
        asynchronous: false,
        webhook_url: None,
        webhook_format: None,
        data_key: vec![1; 60],
        subject: vec![2; 100],
        billing_username: None,
        refuse_reason: None,
        officer: None,
        identification_officer: None,
        validation_officer: None,
        registering_user: None,
        approving_user: None,
        approved_at: None,
        renewal_enabled: false,
        renewals: 0,
        external_unlock: None,
        created_at: at(2),
        updated_at: at(2),
    }
}

/// A user of the first authority.
fn user(id: i64) -> ApiUser {
    ApiUser {
        id: UserId(id),
        ra: RaId(1),
        permissions: 1,
        request: None,
        officer: None,
        serial: None,
        enabled: true,
        created_at: at(3),
    }
}

/// An unused card of the first authority's.
fn scratchcard(pk: i64, sn: &str) -> Scratchcard {
    Scratchcard {
        pk,
        sn: sn.to_owned(),
        ra: RaId(1),
        secrets: vec![7; 90],
        used_by: None,
        created_at: at(4),
    }
}

fn file(blob: &str) -> StoredFile {
    StoredFile {
        blob: blob.to_owned(),
        sha256: [blob.len() as u8; 32],
        size: blob.len() as i64,
    }
}

fn message(id: &str, request: i64, channel: Channel) -> OutboxMessage {
    OutboxMessage {
        id: id.to_owned(),
        channel,
        request: RequestPk(request),
        target: "https://example.test/hook".to_owned(),
        label: "REQUEST_CREATED".to_owned(),
        payload: b"{}".to_vec(),
        secret: Some(vec![5; 32]),
        created_at: at(0),
        expires_at: at(86_400),
    }
}

/// An authority, an officer, and requests with these numbers (VideoID numbers follow each).
async fn populate(store: &Store, requests: &[i64]) {
    let mut tx = store.begin().await.unwrap();
    store::authorities::insert(&mut tx, &authority(1))
        .await
        .unwrap();
    store::officers::insert(&mut tx, &officer(1, 1))
        .await
        .unwrap();
    for pk in requests {
        insert_request(&mut tx, *pk).await;
    }
    tx.commit().await.unwrap();
}

async fn insert_request(tx: &mut Tx, pk: i64) {
    store::requests::insert(tx, &request(pk, pk + 1))
        .await
        .unwrap();
}
