"""Certificates for one test, by the openssl command."""

from __future__ import annotations

import ssl
import subprocess
from pathlib import Path

__all__ = ["contexts"]


def _openssl(*arguments: str | Path) -> None:
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True, timeout=60)


def contexts(folder: Path, client: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's context that requires certificates, and a client's with one of that name."""
    ca, ca_key = folder / "ca.pem", folder / "ca.key"
    new = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    _openssl("req", "-x509", *new, "-keyout", ca_key, "-out", ca, "-subj", "/CN=ca", "-days", "2")
    made = []
    for name, purpose in (("localhost", ssl.Purpose.CLIENT_AUTH), (client, None)):
        key, request, cert = (folder / f"{name}.{end}" for end in ("key", "csr", "pem"))
        extension = folder / f"{name}.ext"
        extension.write_text(f"subjectAltName=DNS:{name}\n")
        _openssl("req", "-new", *new, "-keyout", key, "-out", request, "-subj", f"/CN={name}")
        _openssl(
            "x509", "-req", "-in", request, "-CA", ca, "-CAkey", ca_key, "-CAcreateserial",
            "-out", cert, "-days", "2", "-extfile", extension,
        )  # fmt: skip
        context = ssl.create_default_context(purpose or ssl.Purpose.SERVER_AUTH, cafile=str(ca))
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_cert_chain(cert, key)
        made.append(context)
    return made[0], made[1]
