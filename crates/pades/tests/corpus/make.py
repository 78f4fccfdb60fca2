"""Makes the PDFs of this folder anew: `make.py FOLDER`.

Needs the Debian packages ghostscript, qpdf and poppler-utils, and the Python
packages reportlab, img2pdf, pypdf and pyhanko. The tests use the committed files only.
"""

import io
import subprocess
import sys
import zlib
from datetime import datetime, timedelta, timezone
from pathlib import Path

OUT = Path(sys.argv[1])
TEXT = "Made for the tests of Avouch."


def save(name, data):
    (OUT / f"{name}.pdf").write_bytes(data)
    return data


def tool(*command, data):
    """Runs a program from standard input or a file `IN` to a file `OUT`."""
    source, target = OUT / "in.tmp", OUT / "out.tmp"
    source.write_bytes(data)
    places = {"IN": source, "OUT": target}
    subprocess.run([places.get(word, word) for word in command], check=True, capture_output=True)
    source.unlink()
    result = target.read_bytes()
    target.unlink()
    return result


class Raw:
    """A writer that does exactly what it is told, for what producers do and libraries hide."""

    def __init__(self, eol=b"\n", version=b"1.7", before=b"", base=0):
        self.eol, self.base, self.offsets = eol, base, {}
        self.data = before + b"%PDF-" + version + eol + b"%\xe2\xe3\xcf\xd3" + eol

    def at(self):
        return len(self.data) - self.base

    def put(self, number, body):
        self.offsets[number] = self.at()
        self.data += b"%d 0 obj%s%s%sendobj%s" % (number, self.eol, body, self.eol, self.eol)
        return self

    def stream(self, number, entries, content):
        head = b"<<%s/Length %d>>" % (entries, len(content))
        return self.put(number, head + self.eol + b"stream" + self.eol + content + self.eol
                        + b"endstream")

    def table(self, trailer, hidden=()):
        """A table over 0..max, with the numbers in `hidden` marked free."""
        start, count = self.at(), max([*self.offsets, *hidden]) + 1
        ending = b" " + self.eol if len(self.eol) == 1 else self.eol
        self.data += b"xref" + self.eol + b"0 %d" % count + self.eol
        for number in range(count):
            used = number in self.offsets
            self.data += b"%010d %05d %c" % (
                self.offsets.get(number, 0), 0 if used else 65535, b"n" if used else b"f") + ending
        self.data += b"trailer" + self.eol + b"<</Size %d%s>>" % (count, trailer) + self.eol
        self.data += b"startxref" + self.eol + b"%d" % start + self.eol + b"%%EOF" + self.eol
        return self.data


CATALOG = b"<</Type/Catalog/Pages 2 0 R>>"
PAGE = (b"<</Type/Page/Parent %d 0 R/MediaBox[0 0 300 200]/Contents 4 0 R"
        b"/Resources<</Font<</F 5 0 R>>>>%s>>")
CONTENT = b"BT /F 12 Tf 20 100 Td (" + TEXT.encode() + b") Tj ET"
FONT = b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"


def simple(raw, page=b"", catalog=CATALOG):
    raw.put(1, catalog).put(2, b"<</Type/Pages/Kids[3 0 R]/Count 1>>").put(3, PAGE % (2, page))
    return raw.stream(4, b"", CONTENT).put(5, FONT)


def reportlab_pdf(form=False):
    from reportlab.pdfgen import canvas
    out = io.BytesIO()
    page = canvas.Canvas(out, pagesize=(300, 200), invariant=1)
    page.drawString(20, 150, TEXT)
    if form:
        page.acroForm.textfield(name="Signature", x=20, y=100, width=100, height=20)
        page.acroForm.checkbox(name="agree", x=20, y=60, checked=True)
    page.showPage()
    page.drawString(20, 150, "Page 2")
    page.save()
    return out.getvalue()


def hybrid():
    raw = Raw(version=b"1.5")
    # The font stands in an object stream that only readers of cross-reference streams see.
    raw.put(1, CATALOG).put(2, b"<</Type/Pages/Kids[3 0 R]/Count 1>>").put(3, PAGE % (2, b""))
    raw.stream(4, b"", CONTENT)
    index = b"5 0 "
    raw.stream(6, b"/Type/ObjStm/N 1/First %d" % len(index), index + FONT)
    at = raw.at()
    rows = bytes([2, 0, 6, 0]) + bytes([1]) + raw.offsets[6].to_bytes(2, "big") + b"\0"
    rows += bytes([1]) + at.to_bytes(2, "big") + b"\0"
    raw.stream(7, b"/Type/XRef/Size 8/W[1 2 1]/Index[5 3]/Root 1 0 R/Filter/FlateDecode",
               zlib.compress(rows))
    del raw.offsets[6], raw.offsets[7]
    return raw.table(b"/Root 1 0 R/XRefStm %d" % at, hidden=(5, 6, 7))


def rectangle():
    """Without text, so that no font of the machine is embedded."""
    raw = Raw().put(1, CATALOG).put(2, b"<</Type/Pages/Kids[3 0 R]/Count 1>>")
    raw.put(3, b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 200]/Contents 4 0 R>>")
    return raw.stream(4, b"", b"20 20 100 50 re f").table(b"/Root 1 0 R")


def nested_pages():
    raw = Raw()
    raw.put(1, CATALOG).put(2, b"<</Type/Pages/Kids[6 0 R 7 0 R]/Count 1>>")
    raw.put(6, b"<</Type/Pages/Kids[]/Count 0/Parent 2 0 R>>")
    raw.put(7, b"<</Type/Pages/Kids[8 0 R]/Count 1/Parent 2 0 R>>")
    raw.put(8, b"<</Type/Pages/Kids[3 0 R]/Count 1/Parent 7 0 R>>")
    raw.put(3, PAGE % (8, b"")).stream(4, b"", CONTENT).put(5, FONT)
    return raw.table(b"/Root 1 0 R")


def annotations(shared):
    """Annotations as an indirect array; `shared` makes the form use the same one."""
    fields = b"7 0 R" if shared else b"[6 0 R]"
    raw = simple(Raw(), page=b"/Annots 7 0 R",
                 catalog=b"<</Type/Catalog/Pages 2 0 R/AcroForm<</DA(/F 10 Tf 0 g)/DR<</Font"
                         b"<</F 5 0 R>>>>/Fields " + fields + b">>>>")
    raw.put(6, b"<</Type/Annot/Subtype/Widget/FT/Tx/T(name)/F 4/Rect[20 20 120 40]/P 3 0 R"
               b"/DA(/F 10 Tf 0 g)>>")
    return raw.put(7, b"[6 0 R]").table(b"/Root 1 0 R")


def pdf_a():
    """What PDF/A-2b asks of so small a file; the colours are device-independent by being none."""
    xmp = (b'<?xpacket begin="\xef\xbb\xbf" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta '
           b'xmlns:x="adobe:ns:meta/"><rdf:RDF '
           b'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description '
           b'rdf:about="" xmlns:pdfaid="http://www.aiim.org/pdfa/ns/id/"><pdfaid:part>2'
           b'</pdfaid:part><pdfaid:conformance>B</pdfaid:conformance></rdf:Description>'
           b'</rdf:RDF></x:xmpmeta><?xpacket end="w"?>')
    raw = Raw()
    raw.put(1, b"<</Type/Catalog/Pages 2 0 R/Metadata 4 0 R>>")
    raw.put(2, b"<</Type/Pages/Kids[3 0 R]/Count 1>>")
    raw.put(3, b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 200]/Resources<<>>>>")
    raw.stream(4, b"/Type/Metadata/Subtype/XML", xmp)
    return raw.table(b"/Root 1 0 R/ID[<00112233445566778899AABBCCDDEEFF>"
                     b"<00112233445566778899AABBCCDDEEFF>]")


def embedded_pdf():
    """A PDF whose attachment is an uncompressed PDF, and whose own table is damaged."""
    inner = simple(Raw(), page=b"/Rotate 90").table(b"/Root 1 0 R")
    raw = simple(Raw(), catalog=b"<</Type/Catalog/Pages 2 0 R/Names<</EmbeddedFiles<</Names"
                                b"[(inner.pdf)7 0 R]>>>>>>")
    raw.stream(6, b"/Type/EmbeddedFile", inner)
    raw.put(7, b"<</Type/Filespec/F(inner.pdf)/EF<</F 6 0 R>>>>")
    data = raw.table(b"/Root 1 0 R")
    return data[:data.rindex(b"startxref")] + b"startxref\n7\n%%EOF\n"


def pyhanko(data, certify=None, field=None):
    """Signed, certified or given an empty field by pyHanko, with a key that is thrown away."""
    from asn1crypto import keys, x509
    from cryptography import x509 as builder
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
    from pyhanko.sign import fields, signers
    from pyhanko_certvalidator.registry import SimpleCertificateStore

    writer = IncrementalPdfFileWriter(io.BytesIO(data))
    if field:
        fields.append_signature_field(writer, fields.SigFieldSpec(field, box=(20, 20, 120, 60)))
        out = io.BytesIO()
        writer.write(out)
        return out.getvalue()
    key = ec.generate_private_key(ec.SECP256R1())
    name = builder.Name([builder.NameAttribute(builder.NameOID.COMMON_NAME, "Somebody else")])
    now = datetime.now(timezone.utc)
    certificate = (builder.CertificateBuilder().subject_name(name).issuer_name(name)
                   .public_key(key.public_key()).serial_number(1).not_valid_before(now)
                   .not_valid_after(now + timedelta(days=36500)).sign(key, hashes.SHA256()))
    encoded = key.private_bytes(serialization.Encoding.DER, serialization.PrivateFormat.PKCS8,
                                serialization.NoEncryption())
    signer = signers.SimpleSigner(
        x509.Certificate.load(certificate.public_bytes(serialization.Encoding.DER)),
        keys.PrivateKeyInfo.load(encoded), SimpleCertificateStore())
    metadata = signers.PdfSignatureMetadata(
        field_name="Theirs", certify=certify is not None,
        docmdp_permissions=certify or fields.MDPPerm.FILL_FORMS)
    return signers.sign_pdf(writer, metadata, signer=signer, bytes_reserved=4096).getvalue()


def encrypted(plain):
    """Every kind of encryption, and every combination of permissions that makes a difference."""
    def encrypt(name, *options, data=plain, user="", more=()):
        return save(name, tool("qpdf", "IN", "--allow-weak-crypto", "--static-id", *more, "--encrypt",
                               user, "owner", *options, "--", "OUT", data=data))

    field = (OUT / "empty-field.pdf").read_bytes()
    encrypt("encrypted-rc4-40", "40")
    encrypt("encrypted-rc4-128", "128", "--use-aes=n")
    encrypt("encrypted-crypt-filter-rc4", "128", "--use-aes=n", "--force-V4")
    encrypt("encrypted-aes-128", "128", "--use-aes=y")
    encrypt("encrypted-aes-256-r5", "256", "--force-R5")
    encrypt("encrypted-aes-256", "256")
    encrypt("encrypted-object-streams", "256", more=["--object-streams=generate"])
    encrypt("encrypted-object-streams-rc4", "128", "--use-aes=n",
            more=["--object-streams=generate"])
    encrypt("encrypted-cleartext-metadata", "128", "--use-aes=y", "--cleartext-metadata",
            data=(OUT / "pdf-a-2b.pdf").read_bytes())
    encrypt("encrypted-form", "128", "--use-aes=y", data=(OUT / "form.pdf").read_bytes())
    encrypt("once-encrypted-fill-in", "256", "--modify=form", data=field)
    encrypt("refuse-password", "256", user="secret")
    encrypt("refuse-password-rc4", "128", "--use-aes=n", user="secret")
    encrypt("refuse-protected", "256", "--modify=none", data=field)
    encrypt("refuse-protected-annotate", "128", "--modify=annotate")
    broken = (OUT / "encrypted-object-streams.pdf").read_bytes()
    save("repair-encrypted", broken.replace(b"startxref\n", b"startxref\n9"))


def main():
    import img2pdf
    import pypdf
    from pyhanko.sign.fields import MDPPerm

    plain = save("reportlab", reportlab_pdf())
    save("form", reportlab_pdf(form=True))
    streams = save("object-streams",
                   tool("qpdf", "IN", "--object-streams=generate", "--deterministic-id", "OUT",
                        data=plain))
    save("linearized", tool("qpdf", "IN", "--linearize", "--deterministic-id", "OUT", data=plain))
    save("linearized-object-streams",
         tool("qpdf", "IN", "--linearize", "--object-streams=generate", "--deterministic-id",
              "OUT", data=reportlab_pdf(form=True)))
    save("ghostscript", tool("gs", "-q", "-dBATCH", "-dNOPAUSE", "-sDEVICE=pdfwrite",
                             "-sOutputFile=" + str(OUT / "out.tmp"), "IN", data=plain))
    save("cairo", tool("pdftocairo", "-pdf", "IN", "OUT", data=rectangle()))
    pixel = (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", bytes([0, 0, 0, 1, 0, 0, 0, 1, 8, 0, 0, 0, 0]))
             + chunk(b"IDAT", zlib.compress(b"\0\x80")) + chunk(b"IEND", b""))
    save("img2pdf", img2pdf.convert(pixel, layout_fun=img2pdf.get_layout_fun((300, 200))))
    writer, out = pypdf.PdfWriter(clone_from=io.BytesIO(plain)), io.BytesIO()
    writer.pdf_header = "%PDF-2.0"
    writer.write(out)
    save("pypdf-2.0", out.getvalue())
    writer, out = pypdf.PdfWriter(io.BytesIO(plain), incremental=True), io.BytesIO()
    writer.add_metadata({"/Title": "Changed once"})
    writer.write(out)
    save("incremental", out.getvalue())

    save("hybrid", hybrid())
    save("nested-pages", nested_pages())
    save("annotations-indirect", annotations(shared=False))
    save("annotations-shared-with-form", annotations(shared=True))
    save("pdf-a-2b", pdf_a())
    save("crlf", simple(Raw(eol=b"\r\n")).table(b"/Root 1 0 R"))
    save("cr", simple(Raw(eol=b"\r")).table(b"/Root 1 0 R"))
    junk = b"HTTP/1.1 200 OK\r\n\r\n"
    save("header-offset", simple(Raw(before=junk, base=len(junk))).table(b"/Root 1 0 R"))
    save("header-offset-absolute", simple(Raw(before=junk)).table(b"/Root 1 0 R"))
    raw = simple(Raw()).table(b"/Root 1 0 R")
    save("trailing-junk", raw + b"<!-- served in 3 ms -->" * 60)
    save("no-last-newline", raw.rstrip())
    save("table-from-1", raw.replace(b"xref\n0 6", b"xref\n1 6"))
    save("repair-startxref", raw.replace(b"startxref\n", b"startxref\n1"))
    save("repair-offsets", raw.replace(b"%\xe2\xe3\xcf\xd3\n", b"%\xe2\xe3\xcf\xd3\n% moved\n"))
    save("repair-no-trailer", raw[:raw.index(b"xref\n0 6")])
    save("repair-object-streams", streams.replace(b"startxref\n", b"startxref\n9"))
    save("repair-embedded-pdf", embedded_pdf())

    save("empty-field", pyhanko(plain, field="Signature"))
    save("signed", pyhanko(plain))
    save("signed-object-streams", pyhanko(streams))
    save("certified-empty-field",
         pyhanko(pyhanko(plain, field="Signature"), MDPPerm.FILL_FORMS))
    save("certified-form-filling", pyhanko(plain, MDPPerm.FILL_FORMS))
    save("certified-annotations", pyhanko(plain, MDPPerm.ANNOTATE))
    save("refuse-certified", pyhanko(plain, MDPPerm.NO_CHANGES))
    encrypted(plain)
    save("refuse-xfa", simple(Raw(), catalog=b"<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields[]"
                              b"/XFA 6 0 R>>>>").stream(6, b"", b"<xdp/>").table(b"/Root 1 0 R"))


def chunk(kind, data):
    return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")


main()
