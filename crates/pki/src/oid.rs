//! Object identifiers, under the names that their standards give them.

use const_oid::ObjectIdentifier;

macro_rules! oids {
    ($($(#[$meta:meta])* $name:ident = $text:literal;)*) => {
        $($(#[$meta])* pub const $name: ObjectIdentifier = ObjectIdentifier::new_unwrap($text);)*
    };
}

oids! {
    /// id-at-commonName (X.520).
    COMMON_NAME = "2.5.4.3";
    /// id-at-surname (X.520).
    SURNAME = "2.5.4.4";
    /// id-at-serialNumber (X.520).
    SERIAL_NUMBER = "2.5.4.5";
    /// id-at-countryName (X.520).
    COUNTRY_NAME = "2.5.4.6";
    /// id-at-organizationName (X.520).
    ORGANIZATION_NAME = "2.5.4.10";
    /// id-at-organizationalUnitName (X.520).
    ORGANIZATIONAL_UNIT_NAME = "2.5.4.11";
    /// id-at-title (X.520).
    TITLE = "2.5.4.12";
    /// id-at-description (X.520).
    DESCRIPTION = "2.5.4.13";
    /// id-at-givenName (X.520).
    GIVEN_NAME = "2.5.4.42";
    /// id-at-pseudonym (X.520).
    PSEUDONYM = "2.5.4.65";
    /// id-at-organizationIdentifier (X.520).
    ORGANIZATION_IDENTIFIER = "2.5.4.97";

    /// id-ce-subjectKeyIdentifier (RFC 5280 §4.2.1.2).
    SUBJECT_KEY_IDENTIFIER = "2.5.29.14";
    /// id-ce-keyUsage (RFC 5280 §4.2.1.3).
    KEY_USAGE = "2.5.29.15";
    /// id-ce-subjectAltName (RFC 5280 §4.2.1.6).
    SUBJECT_ALT_NAME = "2.5.29.17";
    /// id-ce-basicConstraints (RFC 5280 §4.2.1.9).
    BASIC_CONSTRAINTS = "2.5.29.19";
    /// id-ce-cRLNumber (RFC 5280 §5.2.3).
    CRL_NUMBER = "2.5.29.20";
    /// id-ce-cRLReasons (RFC 5280 §5.3.1).
    CRL_REASON = "2.5.29.21";
    /// id-ce-deltaCRLIndicator (RFC 5280 §5.2.4).
    DELTA_CRL_INDICATOR = "2.5.29.27";
    /// id-ce-issuingDistributionPoint (RFC 5280 §5.2.5).
    ISSUING_DISTRIBUTION_POINT = "2.5.29.28";
    /// id-ce-nameConstraints (RFC 5280 §4.2.1.10).
    NAME_CONSTRAINTS = "2.5.29.30";
    /// id-ce-cRLDistributionPoints (RFC 5280 §4.2.1.13).
    CRL_DISTRIBUTION_POINTS = "2.5.29.31";
    /// id-ce-certificatePolicies (RFC 5280 §4.2.1.4).
    CERTIFICATE_POLICIES = "2.5.29.32";
    /// id-ce-policyMappings (RFC 5280 §4.2.1.5).
    POLICY_MAPPINGS = "2.5.29.33";
    /// id-ce-authorityKeyIdentifier (RFC 5280 §4.2.1.1).
    AUTHORITY_KEY_IDENTIFIER = "2.5.29.35";
    /// id-ce-policyConstraints (RFC 5280 §4.2.1.11).
    POLICY_CONSTRAINTS = "2.5.29.36";
    /// id-ce-extKeyUsage (RFC 5280 §4.2.1.12).
    EXTENDED_KEY_USAGE = "2.5.29.37";
    /// id-ce-freshestCRL (RFC 5280 §4.2.1.15).
    FRESHEST_CRL = "2.5.29.46";
    /// id-ce-inhibitAnyPolicy (RFC 5280 §4.2.1.14).
    INHIBIT_ANY_POLICY = "2.5.29.54";
    /// id-ce-noRevAvail (RFC 9608 §2).
    NO_REV_AVAIL = "2.5.29.56";
    /// id-ce-expiredCertsOnCRL (X.509 §9.5.2.8).
    EXPIRED_CERTS_ON_CRL = "2.5.29.60";
    /// id-pe-authorityInfoAccess (RFC 5280 §4.2.2.1).
    AUTHORITY_INFO_ACCESS = "1.3.6.1.5.5.7.1.1";
    /// id-pe-qcStatements (RFC 3739 §3.2.6).
    QC_STATEMENTS = "1.3.6.1.5.5.7.1.3";
    /// id-pkix-ocsp-nocheck (RFC 6960 §4.2.2.2.1).
    OCSP_NO_CHECK = "1.3.6.1.5.5.7.48.1.5";

    /// anyPolicy (RFC 5280 §4.2.1.4).
    ANY_POLICY = "2.5.29.32.0";
    /// id-qt-cps (RFC 5280 §4.2.1.4).
    QUALIFIER_CPS = "1.3.6.1.5.5.7.2.1";
    /// id-kp-serverAuth (RFC 5280 §4.2.1.12).
    KP_SERVER_AUTH = "1.3.6.1.5.5.7.3.1";
    /// id-kp-clientAuth (RFC 5280 §4.2.1.12).
    KP_CLIENT_AUTH = "1.3.6.1.5.5.7.3.2";
    /// id-kp-emailProtection (RFC 5280 §4.2.1.12).
    KP_EMAIL_PROTECTION = "1.3.6.1.5.5.7.3.4";
    /// id-kp-timeStamping (RFC 3161 §2.3).
    KP_TIME_STAMPING = "1.3.6.1.5.5.7.3.8";
    /// id-kp-OCSPSigning (RFC 6960 §4.2.2.2).
    KP_OCSP_SIGNING = "1.3.6.1.5.5.7.3.9";
    /// id-ad-ocsp (RFC 5280 §4.2.2.1).
    ACCESS_OCSP = "1.3.6.1.5.5.7.48.1";
    /// id-ad-caIssuers (RFC 5280 §4.2.2.1).
    ACCESS_CA_ISSUERS = "1.3.6.1.5.5.7.48.2";

    /// id-etsi-ext-valassured-ST-certs (EN 319 412-1 §5.2.2).
    VALIDITY_ASSURED_SHORT_TERM = "0.4.0.194121.2.1";

    /// ncp: normalised certificate policy (EN 319 411-1 §5.3).
    POLICY_NCP = "0.4.0.2042.1.1";
    /// qcp-natural: qualified, natural person (EN 319 411-2 §5.3).
    POLICY_QCP_N = "0.4.0.194112.1.0";
    /// qcp-legal: qualified, legal person (EN 319 411-2 §5.3).
    POLICY_QCP_L = "0.4.0.194112.1.1";
    /// qcp-natural-qscd: qualified, natural person, key in a QSCD (EN 319 411-2 §5.3).
    POLICY_QCP_N_QSCD = "0.4.0.194112.1.2";
    /// qcp-legal-qscd: qualified, legal person, key in a QSCD (EN 319 411-2 §5.3).
    POLICY_QCP_L_QSCD = "0.4.0.194112.1.3";
    /// best-practices-ts-policy (EN 319 421 §5.2).
    POLICY_TIME_STAMP = "0.4.0.2023.1.1";

    /// id-qcs-pkixQCSyntax-v2 (RFC 3739 §3.2.6.1).
    QCS_SYNTAX_V2 = "1.3.6.1.5.5.7.11.2";
    /// id-etsi-qcs-semanticsId-Natural (EN 319 412-1 §5.1.3).
    SEMANTICS_NATURAL = "0.4.0.194121.1.1";
    /// id-etsi-qcs-SemanticsId-Legal (EN 319 412-1 §5.1.4).
    SEMANTICS_LEGAL = "0.4.0.194121.1.2";
    /// id-etsi-qcs-QcCompliance (EN 319 412-5 §4.2.1).
    QCS_COMPLIANCE = "0.4.0.1862.1.1";
    /// id-etsi-qcs-QcSSCD (EN 319 412-5 §4.2.2).
    QCS_QSCD = "0.4.0.1862.1.4";
    /// id-etsi-qcs-QcPDS (EN 319 412-5 §4.3.4).
    QCS_PDS = "0.4.0.1862.1.5";
    /// id-etsi-qcs-QcType (EN 319 412-5 §4.2.3).
    QCS_TYPE = "0.4.0.1862.1.6";
    /// id-etsi-qct-esign (EN 319 412-5 §4.2.3).
    QC_TYPE_ESIGN = "0.4.0.1862.1.6.1";
    /// id-etsi-qct-eseal (EN 319 412-5 §4.2.3).
    QC_TYPE_ESEAL = "0.4.0.1862.1.6.2";

    /// id-sha1 (RFC 3279 §2.1), for OCSP identifiers only.
    SHA1 = "1.3.14.3.2.26";
    /// id-sha256 (RFC 5754 §2.2).
    SHA256 = "2.16.840.1.101.3.4.2.1";
    /// id-sha384 (RFC 5754 §2.3).
    SHA384 = "2.16.840.1.101.3.4.2.2";
    /// id-sha512 (RFC 5754 §2.4).
    SHA512 = "2.16.840.1.101.3.4.2.3";
    /// ecdsa-with-SHA256 (RFC 5758 §3.2).
    ECDSA_WITH_SHA256 = "1.2.840.10045.4.3.2";
    /// ecdsa-with-SHA384 (RFC 5758 §3.2).
    ECDSA_WITH_SHA384 = "1.2.840.10045.4.3.3";
    /// ecdsa-with-SHA512 (RFC 5758 §3.2).
    ECDSA_WITH_SHA512 = "1.2.840.10045.4.3.4";
    /// sha256WithRSAEncryption (RFC 4055 §5).
    SHA256_WITH_RSA = "1.2.840.113549.1.1.11";
    /// rsaEncryption (RFC 8017 appendix A.1); some signers name it as signature algorithm.
    RSA_ENCRYPTION = "1.2.840.113549.1.1.1";
    /// sha384WithRSAEncryption (RFC 4055 §5).
    SHA384_WITH_RSA = "1.2.840.113549.1.1.12";
    /// sha512WithRSAEncryption (RFC 4055 §5).
    SHA512_WITH_RSA = "1.2.840.113549.1.1.13";
    /// sha1WithRSAEncryption (RFC 3279 §2.2.1).
    SHA1_WITH_RSA = "1.2.840.113549.1.1.5";
    /// id-RSASSA-PSS (RFC 4055 §3.1).
    RSASSA_PSS = "1.2.840.113549.1.1.10";
    /// id-mgf1 (RFC 4055 §2.2).
    MGF1 = "1.2.840.113549.1.1.8";
    /// id-ecPublicKey (RFC 5480 §2.1.1); some signers name it as signature algorithm.
    EC_PUBLIC_KEY = "1.2.840.10045.2.1";
    /// ecdsa-with-SHA1 (RFC 3279 §2.2.3).
    ECDSA_WITH_SHA1 = "1.2.840.10045.4.1";
    /// id-Ed25519 (RFC 8410 §3).
    ED25519 = "1.3.101.112";

    /// id-hmacWithSHA256 (RFC 8018 appendix B.1.2).
    HMAC_WITH_SHA256 = "1.2.840.113549.2.9";
    /// id-aes256-CBC (RFC 8018 appendix B.2.5).
    AES_256_CBC = "2.16.840.1.101.3.4.1.42";
    /// id-PBKDF2 (RFC 8018 appendix A.2).
    PBKDF2 = "1.2.840.113549.1.5.12";
    /// id-PBES2 (RFC 8018 appendix A.4).
    PBES2 = "1.2.840.113549.1.5.13";

    /// pkcs8ShroudedKeyBag (RFC 7292 §4.2.2).
    BAG_SHROUDED_KEY = "1.2.840.113549.1.12.10.1.2";
    /// certBag (RFC 7292 §4.2.3).
    BAG_CERTIFICATE = "1.2.840.113549.1.12.10.1.3";
    /// x509Certificate (RFC 7292 §4.2.3).
    CERTIFICATE_X509 = "1.2.840.113549.1.9.22.1";
    /// friendlyName (RFC 2985 §5.5.1).
    ATTRIBUTE_FRIENDLY_NAME = "1.2.840.113549.1.9.20";
    /// localKeyId (RFC 2985 §5.5.2).
    ATTRIBUTE_LOCAL_KEY_ID = "1.2.840.113549.1.9.21";

    /// id-data (RFC 5652 §4).
    CT_DATA = "1.2.840.113549.1.7.1";
    /// id-signedData (RFC 5652 §5.1).
    CT_SIGNED_DATA = "1.2.840.113549.1.7.2";
    /// id-encryptedData (RFC 5652 §8).
    CT_ENCRYPTED_DATA = "1.2.840.113549.1.7.6";
    /// id-ct-TSTInfo (RFC 3161 §2.4.2).
    CT_TST_INFO = "1.2.840.113549.1.9.16.1.4";
    /// id-contentType (RFC 5652 §11.1).
    ATTRIBUTE_CONTENT_TYPE = "1.2.840.113549.1.9.3";
    /// id-messageDigest (RFC 5652 §11.2).
    ATTRIBUTE_MESSAGE_DIGEST = "1.2.840.113549.1.9.4";
    /// id-signingTime (RFC 5652 §11.3).
    ATTRIBUTE_SIGNING_TIME = "1.2.840.113549.1.9.5";
    /// id-countersignature (RFC 5652 §11.4).
    ATTRIBUTE_COUNTERSIGNATURE = "1.2.840.113549.1.9.6";
    /// id-aa-signingCertificate, by SHA-1 (RFC 2634 §5.4).
    ATTRIBUTE_SIGNING_CERTIFICATE = "1.2.840.113549.1.9.16.2.12";
    /// id-aa-signingCertificateV2 (RFC 5035 §3).
    ATTRIBUTE_SIGNING_CERTIFICATE_V2 = "1.2.840.113549.1.9.16.2.47";
    /// id-aa-timeStampToken, the signature time-stamp (RFC 3161 appendix A).
    ATTRIBUTE_TIME_STAMP_TOKEN = "1.2.840.113549.1.9.16.2.14";
    /// adbe-revocationInfoArchival (ISO 32000-2 §12.8.3.3.2).
    ATTRIBUTE_REVOCATION_ARCHIVE = "1.2.840.113583.1.1.8";
    /// id-ri-ocsp-response (RFC 5940 §2.1).
    REVOCATION_OCSP_RESPONSE = "1.3.6.1.5.5.7.16.2";

    /// id-pkix-ocsp-basic (RFC 6960 §4.2.1).
    OCSP_BASIC = "1.3.6.1.5.5.7.48.1.1";
    /// id-pkix-ocsp-nonce (RFC 9654 §2.1).
    OCSP_NONCE = "1.3.6.1.5.5.7.48.1.2";
    /// id-pkix-ocsp-archive-cutoff (RFC 6960 §4.4.4).
    OCSP_ARCHIVE_CUTOFF = "1.3.6.1.5.5.7.48.1.6";
}
