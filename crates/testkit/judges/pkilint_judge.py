"""Judges certificates with pkilint's ETSI lint and prints the findings as JSON, one list for each.

usage: pkilint_judge.py TYPE FILE [TYPE FILE]...
"""

import functools
import json
import sys

from pkilint import etsi, finding_filter, loader
from pkilint.etsi.etsi_constants import CertificateType
from pkilint.pkix import certificate
from pkilint.validation import ValidationFindingSeverity


@functools.cache
def validator(kind):
    return certificate.create_pkix_certificate_validator_container(
        etsi.create_decoding_validators(kind), etsi.create_validators(kind)
    )


def judge(kind, path):
    kind = CertificateType.from_option_str(kind)
    with open(path, "rb") as handle:
        found = loader.load_certificate_file(handle, path)
    results = validator(kind).validate(found.root)
    filters = etsi.create_etsi_finding_filters(kind)
    results, _ = finding_filter.filter_results(filters, results)
    return [
        {
            "severity": description.finding.severity.name,
            "code": description.finding.code,
            "node": result.node.path,
            "message": description.message,
        }
        for result in results
        for description in result.finding_descriptions
        # The gravest has the lowest number.
        if description.finding.severity <= ValidationFindingSeverity.NOTICE
    ]


pairs = zip(sys.argv[1::2], sys.argv[2::2], strict=True)
json.dump([judge(kind, path) for kind, path in pairs], sys.stdout)
