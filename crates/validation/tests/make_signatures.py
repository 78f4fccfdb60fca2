"""Makes signed PDFs of every level with pyHanko and a PKI of its own, and tampers with some.

usage: make_signatures.py FOLDER

Writes FOLDER/root.pem, FOLDER/other_root.pem and the PDFs.
"""

import datetime
import subprocess
import sys
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace

from asn1crypto import keys as asn1_keys
from asn1crypto import ocsp as asn1_ocsp
from asn1crypto import crl as asn1_crl
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID
from pyhanko.pdf_utils import generic, writer
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign import fields, signers, timestamps
from pyhanko.sign.signers.pdf_byterange import PdfSignedData
from pyhanko.sign.validation import DocumentSecurityStore
from pyhanko_certvalidator import ValidationContext
from pyhanko_certvalidator.registry import SimpleCertificateStore

pdf_name = generic.pdf_name
DAY = datetime.timedelta(days=1)
MINUTE = datetime.timedelta(minutes=1)
NOW = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0) - MINUTE
FOLDER = Path(sys.argv[1])
NO_REV_AVAIL = x509.ObjectIdentifier("2.5.29.56")
OCSP_POINTER = x509.AuthorityInformationAccess(
    [
        x509.AccessDescription(
            AuthorityInformationAccessOID.OCSP,
            x509.UniformResourceIdentifier("http://127.0.0.1:1/ocsp"),
        )
    ]
)
LIST_POINTER = x509.CRLDistributionPoints(
    [
        x509.DistributionPoint(
            [x509.UniformResourceIdentifier("http://127.0.0.1:1/list.crl")], None, None, None
        )
    ]
)


class Entity:
    """A key and its certificate."""

    def __init__(self, name, issuer=None, start=NOW - 400 * DAY, days=800, key=None, extensions=()):
        self.key = key or ec.generate_private_key(ec.SECP256R1())
        self.issuer = issuer or self
        subject = x509.Name(
            [
                x509.NameAttribute(NameOID.COUNTRY_NAME, "ES"),
                x509.NameAttribute(NameOID.COMMON_NAME, name),
            ]
        )
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer.certificate.subject if issuer else subject)
            .public_key(self.key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(start)
            .not_valid_after(start + days * DAY)
            .add_extension(
                x509.SubjectKeyIdentifier.from_public_key(self.key.public_key()), False
            )
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(
                    self.issuer.key.public_key()
                ),
                False,
            )
        )
        if issuer and not any(one.oid == NO_REV_AVAIL for one, _ in extensions):
            # Nothing answers there: judges must find everything in the file.
            builder = builder.add_extension(OCSP_POINTER, False).add_extension(LIST_POINTER, False)
        for extension, critical in extensions:
            builder = builder.add_extension(extension, critical)
        self.certificate = builder.sign(self.issuer.key, hashes.SHA256())

    @property
    def der(self):
        return self.certificate.public_bytes(serialization.Encoding.DER)

    @property
    def asn1(self):
        return asn1_x509.Certificate.load(self.der)

    @property
    def asn1_key(self):
        return asn1_keys.PrivateKeyInfo.load(
            self.key.private_bytes(
                serialization.Encoding.DER,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )


def usage(*names):
    known = [
        "digital_signature",
        "content_commitment",
        "key_encipherment",
        "data_encipherment",
        "key_agreement",
        "key_cert_sign",
        "crl_sign",
        "encipher_only",
        "decipher_only",
    ]
    return (x509.KeyUsage(**{name: name in names for name in known}), True)


AUTHORITY = [
    (x509.BasicConstraints(True, None), True),
    usage("key_cert_sign", "crl_sign"),
]
SIGNER = [usage("content_commitment")]
STAMPING = [
    usage("digital_signature"),
    (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), True),
]
ANSWERING = [
    usage("digital_signature"),
    (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.OCSP_SIGNING]), False),
    (x509.OCSPNoCheck(), False),
]
OLD = NOW - 3000 * DAY


def unit(name, issuer, start, days, bits=2048):
    """A time-stamping unit; pyHanko's own stamper signs with RSA only."""
    key = rsa.generate_private_key(65537, bits)
    return Entity(name, issuer, start, days, key=key, extensions=STAMPING)


class Authority:
    """A root, an issuing authority, and responders for both."""

    def __init__(self, name):
        self.root = Entity(f"{name} Root", None, OLD, 9000, extensions=AUTHORITY)
        self.issuing = Entity(f"{name} Issuing", self.root, OLD, 9000, extensions=AUTHORITY)
        self.responders = {
            self.root: Entity(f"{name} Root OCSP", self.root, OLD, 9000, extensions=ANSWERING),
            self.issuing: Entity(
                f"{name} Issuing OCSP", self.issuing, OLD, 9000, extensions=ANSWERING
            ),
        }
        self.unit = unit(f"{name} TSA", self.issuing, OLD, 9000)

    def person(self, name="Ana", **options):
        options.setdefault("extensions", SIGNER)
        return Entity(name, self.issuing, **options)

    def answer(self, entity, at, revoked=None, current=DAY):
        builder = ocsp.OCSPResponseBuilder().add_response(
            cert=entity.certificate,
            issuer=entity.issuer.certificate,
            algorithm=hashes.SHA1(),
            cert_status=(
                ocsp.OCSPCertStatus.REVOKED if revoked else ocsp.OCSPCertStatus.GOOD
            ),
            this_update=at,
            next_update=at + current,
            revocation_time=revoked,
            revocation_reason=x509.ReasonFlags.key_compromise if revoked else None,
        )
        responder = self.responders[entity.issuer]
        response = (
            builder.responder_id(ocsp.OCSPResponderEncoding.HASH, responder.certificate)
            .certificates([responder.certificate])
            .sign(responder.key, hashes.SHA256())
        )
        der = response.public_bytes(serialization.Encoding.DER)
        return asn1_ocsp.OCSPResponse.load(der)

    def list(self, issuer, at, revoked=()):
        builder = x509.CertificateRevocationListBuilder()
        for entity, since in revoked:
            entry = x509.RevokedCertificateBuilder(entity.certificate.serial_number, since)
            builder = builder.add_revoked_certificate(entry.build())
        built = (
            builder
            .issuer_name(issuer.certificate.subject)
            .last_update(at)
            .next_update(at + DAY)
            .add_extension(x509.CRLNumber(1), False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.key.public_key()),
                False,
            )
            .sign(issuer.key, hashes.SHA256())
        )
        return asn1_crl.CertificateList.load(built.public_bytes(serialization.Encoding.DER))

    def store(self):
        known = [self.issuing, self.unit, self.root]
        return SimpleCertificateStore.from_certs([one.asn1 for one in known])

    def signer(self, person, **options):
        return signers.SimpleSigner(
            signing_cert=person.asn1,
            signing_key=person.asn1_key,
            cert_registry=self.store(),
            **options,
        )

    def stamper(self, at=NOW, unit=None):
        unit = unit or self.unit
        return timestamps.DummyTimeStamper(
            tsa_cert=unit.asn1,
            tsa_key=unit.asn1_key,
            certs_to_embed=self.store(),
            fixed_dt=at,
        )

    def context(self, persons, at=NOW, with_lists=False):
        entities = [*persons, self.issuing, self.unit]
        if with_lists:
            data = {"crls": [self.list(one, at) for one in (self.root, self.issuing)]}
        else:
            data = {"ocsps": [self.answer(one, at) for one in entities]}
        return ValidationContext(
            trust_roots=[self.root.asn1],
            other_certs=[self.issuing.asn1, self.unit.asn1],
            allow_fetching=False,
            revocation_mode="hard-fail",
            moment=at + datetime.timedelta(seconds=5),
            **data,
        )


def document(with_form=False):
    """Two pages and, perhaps, a text field."""
    out = writer.PdfFileWriter()
    page = None
    for text in ("Pay 100 euros", "and not a cent more"):
        resources = generic.DictionaryObject(
            {
                pdf_name("/Font"): generic.DictionaryObject(
                    {
                        pdf_name("/F1"): generic.DictionaryObject(
                            {
                                pdf_name("/Type"): pdf_name("/Font"),
                                pdf_name("/Subtype"): pdf_name("/Type1"),
                                pdf_name("/BaseFont"): pdf_name("/Helvetica"),
                            }
                        )
                    }
                )
            }
        )
        content = f"BT /F1 24 Tf 72 700 Td ({text}) Tj ET".encode()
        stream = generic.StreamObject(stream_data=content)
        page = writer.PageObject(
            contents=out.add_object(stream),
            media_box=(0, 0, 595, 842),
            resources=resources,
        )
        out.insert_page(page)
    if with_form:
        field = generic.DictionaryObject(
            {
                pdf_name("/FT"): pdf_name("/Tx"),
                pdf_name("/T"): generic.pdf_string("Remark"),
                pdf_name("/Type"): pdf_name("/Annot"),
                pdf_name("/Subtype"): pdf_name("/Widget"),
                pdf_name("/F"): generic.NumberObject(4),
                pdf_name("/Rect"): generic.ArrayObject(
                    [generic.NumberObject(n) for n in (72, 600, 300, 620)]
                ),
            }
        )
        reference = out.add_object(field)
        page[pdf_name("/Annots")] = generic.ArrayObject([reference])
        out.root[pdf_name("/AcroForm")] = generic.DictionaryObject(
            {pdf_name("/Fields"): generic.ArrayObject([reference])}
        )
    path = FOLDER / "unsigned.pdf"
    with path.open("wb") as handle:
        out.write(handle)
    return path.read_bytes()


def opened(pdf):
    return IncrementalPdfFileWriter(BytesIO(pdf))


def written(out):
    buffer = BytesIO()
    out.write(buffer)
    return buffer.getvalue()


def sign(pdf, authority, person, stamper=None, context=None, lta=False, new_field=None, name="Signature", signer=None, **metadata):
    metadata.setdefault("subfilter", fields.SigSeedSubFilter.PADES)
    return signers.sign_pdf(
        opened(pdf),
        signers.PdfSignatureMetadata(
            field_name=name,
            md_algorithm=metadata.pop("md_algorithm", "sha256"),
            validation_context=context,
            embed_validation_info=context is not None,
            use_pades_lta=lta,
            **metadata,
        ),
        signer=signer or authority.signer(person),
        timestamper=stamper,
        new_field_spec=new_field,
    ).getvalue()


def save(name, pdf):
    (FOLDER / f"{name}.pdf").write_bytes(pdf)
    return pdf


def with_store(pdf, authority, persons, answers):
    """Adds a security store with these answers and the authority's certificates."""
    known = [authority.issuing, authority.unit, *persons]
    buffer = BytesIO(pdf)
    DocumentSecurityStore.supply_dss_in_writer(
        (out := IncrementalPdfFileWriter(buffer)),
        None,
        certs=[one.asn1 for one in known],
        ocsps=answers,
    )
    return written(out)


def tampered(pdf, change):
    out = opened(pdf)
    change(out)
    return written(out)


def levels(authority):
    ana = authority.person()
    blank = document()
    stamper = authority.stamper()
    save("b_b", sign(blank, authority, ana))
    save("b_t", sign(blank, authority, ana, stamper))
    lt = save("b_lt", sign(blank, authority, ana, stamper, authority.context([ana])))
    save("b_lta", sign(blank, authority, ana, stamper, authority.context([ana]), lta=True))
    lists = authority.context([ana], with_lists=True)
    save("b_lt_lists", sign(blank, authority, ana, stamper, lists))
    ben = authority.person("Ben")
    context = authority.context([ana, ben])
    second = sign(lt, authority, ben, stamper, context, lta=True, name="Second")
    save("two_signers", second)
    return lt


def algorithms(authority):
    blank = document()
    stamper = authority.stamper()
    rsa_key = rsa.generate_private_key(65537, 2048)
    short_key = rsa.generate_private_key(65537, 1024)
    for name, key, options in [
        ("rsa", rsa_key, {}),
        ("rsa_sha512", rsa_key, {"md_algorithm": "sha512"}),
        ("rsa_pss", rsa_key, {"prefer_pss": True}),
        ("rsa_1024", short_key, {}),
        ("p384", ec.generate_private_key(ec.SECP384R1()), {"md_algorithm": "sha384"}),
        ("p521", ec.generate_private_key(ec.SECP521R1()), {"md_algorithm": "sha512"}),
        ("ed25519", ed25519.Ed25519PrivateKey.generate(), {"md_algorithm": "sha512"}),
    ]:
        person = authority.person(name, key=key)
        pss = options.pop("prefer_pss", False)
        signer = authority.signer(person, prefer_pss=pss)
        context = authority.context([person])
        save(name, sign(blank, authority, person, stamper, context, signer=signer, **options))
    ana = authority.person(key=rsa_key)
    adobe = {"subfilter": fields.SigSeedSubFilter.ADOBE_PKCS7_DETACHED}
    context = authority.context([ana])
    save("adobe", sign(blank, authority, ana, stamper, context, **adobe))
    save("adobe_sha1", adobe_sha1(blank, authority, ana))
    with_files("second", authority.person("Ben"))


def with_files(name, entity):
    """Writes key and certificate for OpenSSL."""
    key, cert = FOLDER / f"{name}.key", FOLDER / f"{name}.pem"
    key.write_bytes(
        entity.key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    cert.write_bytes(entity.certificate.public_bytes(serialization.Encoding.PEM))
    return key, cert


def adobe_sha1(pdf, authority, person):
    """adbe.pkcs7.sha1: the container holds the document's SHA-1 digest as its content."""
    key, cert = with_files("person", person)
    issuing = FOLDER / "issuing.pem"
    issuing.write_bytes(authority.issuing.certificate.public_bytes(serialization.Encoding.PEM))
    out = opened(pdf)
    cms = signers.cms_embedder.PdfCMSEmbedder().write_cms(field_name="Signature", writer=out)
    next(cms)
    signature = PdfSignedData(
        obj_type=pdf_name("/Sig"),
        subfilter=SimpleNamespace(value=pdf_name("/adbe.pkcs7.sha1")),
        timestamp=NOW,
    )
    cms.send(signers.cms_embedder.SigObjSetup(sig_placeholder=signature))
    prepared, buffer = cms.send(
        signers.cms_embedder.SigIOSetup(md_algorithm="sha1", in_place=False)
    )
    signed = subprocess.run(
        ["openssl", "cms", "-sign", "-binary", "-nodetach", "-md", "sha256", "-signer", cert]
        + ["-inkey", key, "-certfile", issuing, "-outform", "DER"],
        input=prepared.document_digest,
        capture_output=True,
        check=True,
    ).stdout
    cms.send(signed)
    return buffer.getvalue()


def revocation(authority):
    blank = document()
    stamper = authority.stamper()
    ana = authority.person()
    stamped = sign(blank, authority, ana, stamper)
    others = [authority.answer(one, NOW) for one in (authority.issuing, authority.unit)]
    early = authority.answer(ana, NOW, revoked=NOW - 10 * MINUTE)
    save("revoked", with_store(stamped, authority, [ana], [early, *others]))
    late = authority.answer(ana, NOW + MINUTE, revoked=NOW + MINUTE / 2)
    save("revoked_later", with_store(stamped, authority, [ana], [late, *others]))
    save("signer_unknown", with_store(stamped, authority, [ana], others))
    stale = authority.answer(ana, NOW - 9 * DAY)
    save("stale", with_store(stamped, authority, [ana], [stale, *others]))
    revoked_ca = authority.answer(authority.issuing, NOW, revoked=NOW - DAY)
    answers = [authority.answer(ana, NOW), revoked_ca, others[1]]
    save("revoked_ca", with_store(stamped, authority, [ana], answers))
    forger = Authority("Test")
    forged = forger.answer(ana_like(forger, ana), NOW)
    save("forged_answer", with_store(stamped, authority, [ana], [forged, *others]))
    revoked_unit = authority.answer(authority.unit, NOW, revoked=NOW - DAY)
    answers = [authority.answer(ana, NOW), others[0], revoked_unit]
    save("revoked_unit", with_store(stamped, authority, [ana], answers))
    short = authority.person(
        "Short", extensions=[*SIGNER, (x509.UnrecognizedExtension(NO_REV_AVAIL, b"\x05\0"), False)]
    )
    save("short_term", with_store(sign(blank, authority, short, stamper), authority, [short], others))
    expired = authority.person("Late", start=NOW - 10 * DAY, days=5)
    save("expired", sign(blank, authority, expired, stamper, signer=authority.signer(expired)))
    server = authority.person("Server", extensions=[usage("key_encipherment")])
    save("not_for_signing", sign(blank, authority, server, stamper, signer_key_usage={"key_encipherment"}))


def ana_like(forger, ana):
    """Somebody with Ana's number under an authority of the same names."""
    twin = forger.person()
    twin.certificate = ana.certificate
    twin.issuer = forger.issuing
    return twin


def past(authority):
    """Signed three years ago with a certificate of two days and a unit of one year.

    Answers about what has ended are current for a shorter time than it was valid: pyHanko goes back
    to the last moment at which they were, and judges validity by that as well.
    """
    start = NOW - 1000 * DAY
    ana = authority.person("Past", start=start - MINUTE, days=2)
    authority.unit = unit("Old TSA", authority.issuing, start - DAY, 365)
    context = authority.context([ana], start)
    stamper = authority.stamper(start)
    old = sign(document(), authority, ana, stamper, context)
    save("past_lt", old)
    lta = sign(document(), authority, ana, stamper, context, lta=True)
    save("past_lta", lta)
    second = start + 300 * DAY
    answers = [authority.answer(authority.unit, second)]
    authority.unit = unit("New TSA", authority.issuing, second - DAY, 3650)
    # What is judged by now, the newest unit and its authority, needs answers that are current now.
    judged_now = [authority.issuing, authority.unit]
    answers += [authority.answer(one, second, current=3000 * DAY) for one in judged_now]
    renewed = with_store(lta, authority, [], answers)
    save("past_renewed", stamp(renewed, authority.stamper(second), "Renewal"))


def beside(authority):
    """The root's lists, which no file holds."""
    revoked = [(authority.issuing, NOW - DAY)]
    for name, one in [("good", authority.list(authority.root, NOW)), ("revoking", authority.list(authority.root, NOW, revoked))]:
        (FOLDER / f"{name}.crl").write_bytes(one.dump())


def strong(authority):
    """Time-stamped with a short key, and again with a longer one."""
    ana = authority.person()
    weaker = authority.stamper()
    lta = sign(document(), authority, ana, weaker, authority.context([ana]), lta=True)
    longer = unit("Strong TSA", authority.issuing, OLD, 9000, bits=4096)
    answers = [authority.answer(one, NOW) for one in (authority.issuing, authority.unit, longer)]
    renewed = with_store(lta, authority, [longer], answers)
    save("strong_lta", stamp(renewed, authority.stamper(unit=longer), "Renewal"))


def stamp(pdf, stamper, name):
    return (
        signers.PdfTimeStamper(stamper, field_name=name)
        .timestamp_pdf(opened(pdf), md_algorithm="sha256")
        .getvalue()
    )


def later(authority):
    """What may and what may not happen to a signed file."""
    ana = authority.person()
    stamper = authority.stamper()
    context = authority.context([ana])

    def certified(pdf, level):
        return sign(
            pdf,
            authority,
            ana,
            stamper,
            context,
            certify=True,
            docmdp_permissions=level,
        )

    form = sign(document(with_form=True), authority, ana, stamper, context)
    for name, base in [
        ("", form),
        ("_no_changes", certified(document(with_form=True), fields.MDPPerm.NO_CHANGES)),
        ("_forms", certified(document(with_form=True), fields.MDPPerm.FILL_FORMS)),
        ("_annotations", certified(document(with_form=True), fields.MDPPerm.ANNOTATE)),
    ]:
        save(f"filled{name}", tampered(base, fill))
        save(f"annotated{name}", tampered(base, annotate))
        save(f"stamped{name}", stamp(base, stamper, "Later"))
    for change in (content, font, page_removed, page_added, catalogue, box, open_action, field_added, field_removed, moved_field):
        save(f"evil_{change.__name__}", tampered(form, change))
    wrapped(form)
    forged_dictionary(form)


def first_page(out):
    return out.root["/Pages"]["/Kids"][0]


def text_field(out):
    return out.root["/AcroForm"]["/Fields"][0]


def fill(out):
    field = text_field(out)
    field[pdf_name("/V")] = generic.pdf_string("seen")
    out.mark_update(field.container_ref)


def annotate(out):
    page = first_page(out)
    note = out.add_object(
        generic.DictionaryObject(
            {
                pdf_name("/Type"): pdf_name("/Annot"),
                pdf_name("/Subtype"): pdf_name("/Square"),
                pdf_name("/Rect"): generic.ArrayObject(
                    [generic.NumberObject(n) for n in (0, 0, 595, 842)]
                ),
            }
        )
    )
    if "/Annots" in page:
        page["/Annots"].append(note)
        if page["/Annots"].container_ref:
            out.mark_update(page["/Annots"].container_ref)
    else:
        page[pdf_name("/Annots")] = generic.ArrayObject([note])
    out.mark_update(page.container_ref)


def content(out):
    stream = first_page(out)["/Contents"]
    stream._data = b"BT /F1 24 Tf 72 700 Td (Pay 900 euros) Tj ET"
    stream._encoded_data = None
    out.mark_update(stream.container_ref)


def font(out):
    page = first_page(out)
    page["/Resources"]["/Font"]["/F1"][pdf_name("/BaseFont")] = pdf_name("/Symbol")
    out.mark_update(page.container_ref)


def page_removed(out):
    pages = out.root["/Pages"]
    del pages["/Kids"][1]
    pages[pdf_name("/Count")] = generic.NumberObject(1)
    out.mark_update(pages.container_ref)


def page_added(out):
    pages = out.root["/Pages"]
    copy = generic.DictionaryObject(first_page(out))
    pages["/Kids"].append(out.add_object(copy))
    pages[pdf_name("/Count")] = generic.NumberObject(3)
    out.mark_update(pages.container_ref)


def catalogue(out):
    out.root[pdf_name("/PageLayout")] = pdf_name("/TwoColumnLeft")
    out.update_root()


def box(out):
    page = first_page(out)
    page[pdf_name("/CropBox")] = generic.ArrayObject(
        [generic.NumberObject(n) for n in (0, 0, 10, 10)]
    )
    out.mark_update(page.container_ref)


def open_action(out):
    out.root[pdf_name("/OpenAction")] = generic.DictionaryObject(
        {pdf_name("/S"): pdf_name("/JavaScript"), pdf_name("/JS"): generic.pdf_string("app.alert(1)")}
    )
    out.update_root()


def field_added(out):
    form = out.root["/AcroForm"]
    form["/Fields"].append(
        out.add_object(
            generic.DictionaryObject(
                {pdf_name("/FT"): pdf_name("/Tx"), pdf_name("/T"): generic.pdf_string("More")}
            )
        )
    )
    out.mark_update(form["/Fields"].container_ref)
    out.update_root()


def field_removed(out):
    form = out.root["/AcroForm"]
    del form["/Fields"][0]
    out.mark_update(form["/Fields"].container_ref)
    out.update_root()


def moved_field(out):
    field = text_field(out)
    field[pdf_name("/Rect")] = generic.ArrayObject(
        [generic.NumberObject(n) for n in (0, 0, 595, 842)]
    )
    out.mark_update(field.container_ref)


def gap(pdf):
    with_signature = PdfFileReader(BytesIO(pdf)).embedded_signatures[0]
    return [int(number) for number in with_signature.sig_object["/ByteRange"]]


def wrapped(pdf):
    """Signature wrapping: the container is closed early, another byte range and objects follow."""
    _, first, second, length = gap(pdf)
    container = pdf[first:second].rstrip(b">").rstrip(b"0")
    container += b"0" * (len(container) % 2 == 0) + b">"
    evil = b"\n/Evil (object)\n"
    for _ in range(3):
        start = first + len(container) + len(evil)
        evil = b"\n/Evil (object) /ByteRange [0 %d %d %d]\n" % (first, start, length)
    save("evil_wrapped", pdf[:first] + container + evil + pdf[second : second + length])


def forged_dictionary(pdf):
    """Universal forgery: what a verifier needs is taken away, in place."""
    at = pdf.index(b"/ByteRange")
    end = pdf.index(b"]", at) + 1
    blank = b" " * (end - at)
    save("evil_no_range", pdf[:at] + blank + pdf[end:])
    null = b"/ByteRange null" + b" " * (end - at - 15)
    save("evil_null_range", pdf[:at] + null + pdf[end:])
    _, first, second, _ = gap(pdf)
    nothing = b"<00" + b"0" * (second - first - 4) + b">"
    save("evil_no_container", pdf[:first] + nothing + pdf[second:])


def main():
    authority = Authority("Test")
    other = Authority("Other")
    for name, one in [("root", authority), ("other_root", other)]:
        pem = one.root.certificate.public_bytes(serialization.Encoding.PEM)
        (FOLDER / f"{name}.pem").write_bytes(pem)
    levels(authority)
    algorithms(authority)
    revocation(authority)
    later(authority)
    strong(authority)
    beside(authority)
    past(authority)


main()
