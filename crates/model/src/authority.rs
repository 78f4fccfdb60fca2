//! What a registration authority decides about its requests, and who may call in its name.

use serde::{Deserialize, Serialize};

use crate::language::Language;
use crate::signature::Level;

/// Settings of a registration authority; stored as JSON, so that new ones need no new column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AuthoritySettings {
    /// Whether identifications filmed on the business's own platform are taken.
    pub enable_external_auth: bool,
    /// Number of the video provider, as requests repeat it.
    pub videoid_provider: i64,
    /// `1`: an approval may validate too. `2`: validation comes first.
    pub videoid_steps: i64,
    /// Whether the validation of a natural person's request approves it at once.
    pub validate_auto_approves: bool,
    /// Who may upload a video.
    pub video_upload_auth: VideoUploadAuth,
    /// Different identity documents that may share one telephone number; `None`: any number.
    pub documents_per_phone: Option<i64>,
    /// Different identity documents that may share one e-mail address; `None`: any number.
    pub documents_per_email: Option<i64>,
    /// Whether certificates may be renewed at all.
    pub renewal_enabled: bool,
    /// Whether each request must be enabled for renewal by an officer first.
    pub renewal_needs_officer: bool,
    /// Renewals of one request; `None`: any number.
    pub max_renewals: Option<i64>,
    /// Days after its creation until which a request may be renewed; `None`: no end.
    pub max_request_age_days: Option<i64>,
    /// Whether answers to approvals leave `erc`, `pin` and `puk` blank.
    pub blank_secrets: bool,
    /// Whether a One-Shot request that is approved on creation must bring the identity document and
    /// its owner as images.
    pub identity_images_mandatory: bool,
    /// Whether scratchcards are made when the last one is used up.
    pub auto_scratchcards: bool,
    /// The language that subscribers are spoken to in where a request names none.
    pub language: Language,
    /// The level of signatures where a call names none; `None`: the server's.
    pub signature_level: Option<Level>,
}

impl Default for AuthoritySettings {
    fn default() -> Self {
        Self {
            enable_external_auth: true,
            videoid_provider: 2,
            videoid_steps: 1,
            validate_auto_approves: false,
            video_upload_auth: VideoUploadAuth::Certificate,
            documents_per_phone: None,
            documents_per_email: None,
            renewal_enabled: true,
            renewal_needs_officer: true,
            max_renewals: None,
            max_request_age_days: None,
            blank_secrets: false,
            identity_images_mandatory: false,
            auto_scratchcards: true,
            language: Language::English,
            signature_level: None,
        }
    }
}

/// Who may upload a video.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum VideoUploadAuth {
    /// An API user with its client certificate.
    #[default]
    Certificate,
    /// Whoever knows the video identifier: devices that upload by themselves.
    Identifier,
}

/// What the contract calls a permission profile. The numbers are ours: the contract has none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Permissions {
    /// Everything within its authority and those below it: `1`.
    Administrator,
    /// Requests from creation to approval, and the life of their certificates: `2`.
    Requests,
    /// Looks at everything, changes nothing: `3`.
    ReadOnly,
    /// An officers' console: requests, but neither creation nor administration: `4`.
    Officers,
}

/// What a call does, as far as permissions tell calls apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Act {
    /// Looks.
    Read,
    /// Creates a request or hands in evidence.
    Submit,
    /// Works on a request that exists: corrects, decides, revokes.
    Handle,
    /// Changes authorities, officers, users or scratchcards.
    Administer,
}

impl Permissions {
    /// All of them, by number.
    pub const ALL: [Permissions; 4] = [
        Permissions::Administrator,
        Permissions::Requests,
        Permissions::ReadOnly,
        Permissions::Officers,
    ];

    /// The wire number.
    pub fn number(self) -> i64 {
        match self {
            Permissions::Administrator => 1,
            Permissions::Requests => 2,
            Permissions::ReadOnly => 3,
            Permissions::Officers => 4,
        }
    }

    /// The permissions of that number.
    pub fn of_number(number: i64) -> Option<Self> {
        Permissions::ALL
            .into_iter()
            .find(|permissions| permissions.number() == number)
    }

    /// Whether they allow `act`.
    pub fn allow(self, act: Act) -> bool {
        match self {
            Permissions::Administrator => true,
            Permissions::Requests => act != Act::Administer,
            Permissions::ReadOnly => act == Act::Read,
            Permissions::Officers => matches!(act, Act::Read | Act::Handle),
        }
    }
}
