"""Certificates for servers on this machine."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest
import trustme


def secured(authority: trustme.CA, host: str = "127.0.0.1") -> ssl.SSLContext:
    """Return what a server needs that shows a certificate for a host."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(host).configure_cert(context)
    return context


def trust(authority: trustme.CA, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let this process trust an authority, as the users of a site with its own do."""
    bundle = folder / "authority.pem"
    authority.cert_pem.write_to_path(str(bundle))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(bundle))
