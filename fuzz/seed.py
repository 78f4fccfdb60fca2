"""`seed.py`: makes the small authority of the targets and the seeds of every target.

Writes `seeds/` (once, since inputs name these keys) and `corpus/TARGET/` beside this file; what the
engine has found there stays. Runs in the `.venv` of `scripts/install-tools`.
"""

import asyncio
import hashlib
from datetime import datetime, timedelta, timezone
from io import BytesIO
from pathlib import Path

from asn1crypto import algos, keys, tsp
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_private_key,
)
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import PdfSignatureMetadata, SimpleSigner
from pyhanko.sign.fields import SigSeedSubFilter
from pyhanko.sign.signers.pdf_signer import PdfSigner
from pyhanko.sign.timestamps import DummyTimeStamper
from pyhanko_certvalidator.registry import SimpleCertificateStore

HERE = Path(__file__).parent
CRATES = HERE.parent / "crates"
SEEDS = HERE / "seeds"
NOW = datetime(2026, 11, 22, 12, tzinfo=timezone.utc)
CONTENT = b"what is signed"


def authority():
    """A root, and a signer, a time-stamping unit and a responder under it."""
    SEEDS.mkdir()
    root_key = ec.generate_private_key(ec.SECP256R1())
    root_name = name("Root")
    usage = dict.fromkeys(
        "digital_signature content_commitment key_encipherment data_encipherment key_agreement "
        "key_cert_sign crl_sign encipher_only decipher_only".split(),
        False,
    )

    def certify(common_name, key, extensions):
        builder = (
            x509.CertificateBuilder()
            .subject_name(name(common_name))
            .issuer_name(root_name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(NOW - timedelta(days=365))
            .not_valid_after(NOW + timedelta(days=3650))
        )
        for extension, critical in extensions:
            builder = builder.add_extension(extension, critical)
        return builder.sign(root_key, hashes.SHA256())

    root = certify("Root", root_key, [
        (x509.BasicConstraints(ca=True, path_length=None), True),
        (x509.KeyUsage(**usage | {"key_cert_sign": True}), True),
    ])
    keep("root", root)
    stamping = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING])
    answering = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.OCSP_SIGNING])
    for stem, key, purposes in [
        ("signer", ec.generate_private_key(ec.SECP256R1()), []),
        ("tsa", ec.generate_private_key(ec.SECP256R1()), [(stamping, True)]),
        ("ocsp", ec.generate_private_key(ec.SECP256R1()), [(answering, False)]),
        # pyHanko's own unit knows RSA only.
        ("stamper", rsa.generate_private_key(65537, 2048), [(stamping, True)]),
    ]:
        signs = x509.KeyUsage(**usage | {"digital_signature": True, "content_commitment": True})
        keep(stem, certify(stem.title(), key, [(signs, True), *purposes]), key)


def name(common_name):
    return x509.Name([
        x509.NameAttribute(NameOID.COUNTRY_NAME, "ES"),
        x509.NameAttribute(NameOID.COMMON_NAME, common_name),
    ])


def keep(stem, certificate, key=None):
    (SEEDS / f"{stem}.der").write_bytes(certificate.public_bytes(Encoding.DER))
    if key:
        pkcs8 = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        (SEEDS / f"{stem}.key").write_bytes(pkcs8)


def made(file):
    return (SEEDS / file).read_bytes()


def seed(target, content):
    folder = HERE / "corpus" / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / hashlib.sha256(content).hexdigest()[:16]).write_bytes(content)


def pdfs():
    for folder in [CRATES / "pades/tests/corpus", CRATES / "testkit/corpus"]:
        for path in folder.glob("**/*.pdf"):
            # Larger ones slow the engine down and show it nothing new.
            if path.stat().st_size <= 48 * 1024:
                yield path.read_bytes()


def cms_and_validation(base):
    store = SimpleCertificateStore()
    root = asn1_x509.Certificate.load(made("root.der"))
    store.register(root)
    load_key = lambda stem: keys.PrivateKeyInfo.load(made(f"{stem}.key"))
    load_certificate = lambda stem: asn1_x509.Certificate.load(made(f"{stem}.der"))
    signer = SimpleSigner(load_certificate("signer"), load_key("signer"), store)
    stamper = DummyTimeStamper(
        load_certificate("stamper"), load_key("stamper"), certs_to_embed=store, fixed_dt=NOW
    )
    for timestamper in [None, stamper]:
        container = asyncio.run(
            signer.async_sign_general_data(
                CONTENT, "sha256", use_cades=True, timestamper=timestamper
            )
        )
        seed("cms", container.dump())
        output = BytesIO()
        metadata = PdfSignatureMetadata(field_name="Signature", subfilter=SigSeedSubFilter.PADES)
        PdfSigner(metadata, signer=signer, timestamper=timestamper).sign_pdf(
            IncrementalPdfFileWriter(BytesIO(base)), output=output
        )
        seed("pdf", output.getvalue())
        seed("validation", output.getvalue())
    digest = hashlib.sha256(CONTENT).digest()
    token = asyncio.run(stamper.async_timestamp(digest, "sha256"))
    seed("cms", token.dump())


def pictures():
    for pattern in ["*.png", "*.jpg"]:
        for path in CRATES.glob(f"**/{pattern}"):
            if path.stat().st_size <= 16 * 1024:
                seed("picture", path.read_bytes())


def time_stamp_requests():
    for algorithm in ["sha1", "sha256", "sha384", "sha512"]:
        imprint = tsp.MessageImprint({
            "hash_algorithm": algos.DigestAlgorithm({"algorithm": algorithm}),
            "hashed_message": hashlib.new(algorithm, CONTENT).digest(),
        })
        plain = {"version": "v1", "message_imprint": imprint}
        for further in [
            {},
            {"nonce": 2**63 + 5, "cert_req": True},
            {"req_policy": "0.4.0.2023.1.1"},
            {"extensions": [{"extn_id": "1.2.3", "extn_value": b""}]},
        ]:
            seed("tsa", tsp.TimeStampReq(plain | further).dump())


def ocsp_requests():
    root = x509.load_der_x509_certificate(made("root.der"))
    signer = x509.load_der_x509_certificate(made("signer.der"))
    for algorithm in [hashes.SHA1(), hashes.SHA256(), hashes.SHA384()]:
        plain = ocsp.OCSPRequestBuilder().add_certificate(signer, root, algorithm)
        for nonce in [None, b"1", b"8 octets", bytes(32), bytes(128), bytes(129)]:
            request = plain.add_extension(x509.OCSPNonce(nonce), False) if nonce else plain
            seed("ocsp", request.build().public_bytes(Encoding.DER))


def structures():
    for path in SEEDS.glob("*.der"):
        content = path.read_bytes()
        seed("der", content)
        seed("der", x509.load_der_x509_certificate(content).tbs_certificate_bytes)
    key = load_der_private_key(made("signer.key"), None)
    request = x509.CertificateSigningRequestBuilder().subject_name(name("Ana"))
    request = request.sign(key, hashes.SHA256())
    for encoding in [Encoding.DER, Encoding.PEM]:
        seed("der", request.public_bytes(encoding))


if not SEEDS.exists():
    authority()
for pdf in pdfs():
    seed("pdf", pdf)
    if b"/ByteRange" in pdf:
        seed("validation", pdf)
cms_and_validation((CRATES / "pades/tests/corpus/reportlab.pdf").read_bytes())
pictures()
time_stamp_requests()
ocsp_requests()
structures()
