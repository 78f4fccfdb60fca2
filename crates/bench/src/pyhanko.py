"""The peer of the signing benchmark: a line of JSON comes in, a line of JSON goes out."""

import base64
import io
import json
import logging
import sys
import time

from asn1crypto import keys, x509
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign import signers
from pyhanko.sign.fields import SigSeedSubFilter
from pyhanko.sign.validation import SignatureCoverageLevel, validate_pdf_signature
from pyhanko_certvalidator import ValidationContext
from pyhanko_certvalidator.registry import SimpleCertificateStore

logging.disable(logging.CRITICAL)
decode = base64.b64decode


def answer(value):
    print(json.dumps(value), flush=True)


setup = json.loads(sys.stdin.readline())
pdf = decode(setup["pdf"])
certificate, issuing, root = (
    x509.Certificate.load(decode(setup[name])) for name in ("certificate", "issuing", "root")
)
store = SimpleCertificateStore()
store.register(issuing)
signer = signers.SimpleSigner(
    signing_cert=certificate,
    signing_key=keys.PrivateKeyInfo.load(decode(setup["key"])),
    cert_registry=store,
)
metadata = signers.PdfSignatureMetadata(
    field_name="Signature",
    name="Ana Ejemplo Muestra",
    md_algorithm="sha256",
    subfilter=SigSeedSubFilter.PADES,
)


def sign():
    writer = IncrementalPdfFileWriter(io.BytesIO(pdf))
    # A stated size spares pyHanko a rehearsal.
    return signers.PdfSigner(metadata, signer).sign_pdf(writer, bytes_reserved=16384).getvalue()


def judge(signed):
    signature = PdfFileReader(io.BytesIO(signed)).embedded_signatures[-1]
    context = ValidationContext(
        trust_roots=[root], other_certs=[issuing], allow_fetching=False, revocation_mode="soft-fail"
    )
    status = validate_pdf_signature(signature, context)
    return status.bottom_line and status.coverage == SignatureCoverageLevel.ENTIRE_FILE


answer(True)
for line in sys.stdin:
    order = json.loads(line)
    if "sign" in order:
        start = time.perf_counter()
        for _ in range(order["sign"]):
            sign()
        answer(time.perf_counter() - start)
    elif "show" in order:
        answer(base64.b64encode(sign()).decode())
    elif "judge" in order:
        answer(judge(decode(order["judge"])))
