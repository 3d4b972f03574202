"""The text report: golden text, widths that hold, colours and ASCII, secrets and hostile text."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from compressed_trace import CompressedHandshake, certificate_message
from sample_traces import EVIL, START, full, hostile, refused, trace

from tlsviz.connection.model import ApplicationRun, Connection, Finding, Resumption
from tlsviz.pki.trust import Trust
from tlsviz.report.paint import cells, clip, pad, wrap
from tlsviz.report.text import render_text
from tlsviz.wire.chunks import CLIENT, SERVER
from tlsviz.wire.text import clock

GOLDEN = """\
tlsviz  capture · sample.pcap · 20 packets · 1 TLS connection

www.example.test:443 · TLS 1.3 · AES-128-GCM · X25519MLKEM768 · h2       87.0 ms
✗ not trusted: expired · ✗ 1 proof failed
────────────────────────────────────────────────────────────────────────────────

          client 10.0.0.1:20000       server [2001:db8::1]:443
          │                                                  │
  0.0 ms  │╌╌╌ TCP SYN ╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌▷│    TCP
          │                                    11.0 ms later │
 11.0 ms  │◁╌╌ TCP SYN, ACK ╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌│    TCP
          │                                                  │
 11.2 ms  │─── ClientHello  10 B ───────────────────────────▶│    clear
          │  ▲ odd hello                                     │
          │                                    11.7 ms later │
 22.9 ms  │◀── ServerHello  100 B ───────────────────────────│    clear
 23.0 ms  │◀══ Certificate  ×1 · 100 B ══════════════════════│  ▣ decrypted
 23.0 ms  │◀══ CertificateVerify  100 B ═════════════════════│  ▣ ✓ verified
 23.1 ms  │◀══ Finished  100 B ══════════════════════════════│  ▣ ✗ failed
          │ 1.0 ms later                                     │
 24.1 ms  │═══ Finished  100 B ═════════════════════════════▶│  ▣ decrypted
 24.1 ms  │═══ application data  1 record · 51 B ═══════════▶│  ▣ decrypted
          │                                    62.9 ms later │
 87.0 ms  │◀══ application data  2 records · 14.0 kB ════════│  ▣ encrypted
          │                                                  │

The way there  3 round trips of 11.0 ms · first byte after 87.0 ms
   0.0 ms  TCP connect        ████                           11.0 ms  1 RTT
           [2001:db8::1]:443
  11.2 ms  TLS                   █████                       11.9 ms  1 RTT
           ClientHello → ServerHello, Certificate … Finished
  24.1 ms  Request                    █████████████████████  62.9 ms  1 RTT
           51 B → 14.0 kB
  To the first byte, on this network (RTT: a round trip):
    TLS 1.2                              4 RTT    96.8 ms
    TLS 1.2, resumed                     3 RTT    85.8 ms  1 RTT, 11.0 ms saved
    TLS 1.3 after a HelloRetryRequest    4 RTT    96.8 ms
  ▶ TLS 1.3                              3 RTT    85.8 ms  1 RTT, 11.0 ms saved
    TLS 1.3, resumed                     3 RTT    85.8 ms  1 RTT, 11.0 ms saved
    TLS 1.3, resumed with 0-RTT          2 RTT    74.8 ms  2 RTT, 22.0 ms saved
    QUIC (TLS 1.3 inside)                2 RTT    74.8 ms  2 RTT, 22.0 ms saved
    QUIC, resumed with 0-RTT             1 RTT    63.8 ms  3 RTT, 33.0 ms saved
  A round trip takes 11.0 ms, by TCP's first answer, as seen from where it was
  captured. All else that was waited for, 52.8 ms, is the server's work and time
  of sending. The times of the other kinds are computed from these two: their
  round trips, and the same work.

Certificates  1 from the server, from the root down
  ✗ www.example.test  the server's own, sent 1st
      EC P-256 · 2026-04-22 to 2026-05-22 · ecdsa-with-SHA256
      ✗ expired 10 days earlier
      ✓ for www.example.test, its only name
      ✗ self signed: vouches for itself, and is not in the Mozilla store

Trust  judged for www.example.test, as of 2026-06-01 12:00 UTC
  Mozilla  ✗ not trusted  expired on 2026-05-22 12:00 UTC, 10 days earlier; self
                          signed: vouches for itself, and is not in the Mozilla
                          store

Proofs  recomputed from this connection's own bytes
  ✓ verified      certificate verify  made with the certificate's key
  ✗ failed        server finished     the MAC differs
  ? not provable  client finished     no key

Findings
  ✗ error     Expired
              ten days
              → Renew it.
              certificate_expired · RFC 5280 6.1.3

Negotiation  known from this handshake alone
  Version  TLS 1.3
    there was no choice: the client named no other
  Cipher suite  TLS_AES_128_GCM_SHA256
    there was no choice: the only one offered that fits
  Group of the key exchange  X25519MLKEM768
    there was no choice: the only one offered that fits
  Protocol inside (ALPN)  h2
    who decided cannot be told: the client's first: client's order and server's
    would come to the same; by RFC 7301 3.2 the server's preference decides

Inspection  does somebody between read along? cannot tell: the authority is not…
  · no store knows the root of the chain
  · no transparency receipt (SCT) came: public authorities log every certificate

Fingerprints  what they are: tlsviz explain ja4
  JA3      00000000000000000000000000000000  client
  JA4      t13d  client
  JA3S     11111111111111111111111111111111  server
  JA4X     7022c563de38_7022c563de38_6ea8df877ef2  server's certificate 1
"""

FIELDS = """\
0 ClientHello  client → server · 11.2 ms · wire · 10 bytes · packet 4
  ├ msg_type               0..0   0x01  client_hello
  ├ length                 1..3   6
  ├ legacy_version         4..5   0x0303  TLS 1.2
  └ cipher_suites          6..9
    ▲ has no length
    ├ cipher_suite         6..7   0x0a0a  GREASE
    └ cipher_suite         8..9   0x1301  TLS_AES_128_GCM_SHA256
"""

EVERY = (full(), refused(), hostile(), Connection())


def test_the_whole_report_as_it_is_printed():
    assert render_text(trace(full()), width=80) == GOLDEN


def test_fields_as_a_tree():
    text = render_text(trace(full()), width=80, fields=True)
    assert text.startswith(GOLDEN)
    assert FIELDS in text
    assert "1 ServerHello  server → client · 22.9 ms · wire · 100 bytes · packet 5\n  nothing of it can be seen" in text


def test_compressed_certificates_are_shown_decompressed():
    handshake = CompressedHandshake(2)
    text = render_text(trace(handshake.engine().connection()), width=120, fields=True)
    size = len(certificate_message(handshake.der))
    lines = text.split("\n")
    place = lines.index(f"  decompressed to {size:,} bytes:")
    assert "compressed_certificate_message" in "\n".join(lines[:place])
    assert any("tbsCertificate" in line and "CN=server.test" in line for line in lines[place:])


@pytest.mark.parametrize("width", [1, 60, 73, 80, 91, 92, 120, 200])
@pytest.mark.parametrize("ascii", [False, True])
def test_no_line_is_wider_than_asked(width, ascii):
    text = render_text(trace(*EVERY), width=width, fields=True, secrets=True, ascii=ascii)
    assert max(cells(line) for line in text.split("\n")) <= max(width, 60)


@pytest.mark.parametrize("width", [60, 80, 100, 120])
def test_the_lanes_line_up(width):
    text = render_text(trace(full()), width=width)
    lanes = [line for line in text.split("\n") if line[10:11] == "│"]
    assert len(lanes) > 15
    assert len({line.rindex("│") for line in lanes}) == 1
    head = next(line for line in text.split("\n") if line.startswith("          client"))
    assert len(head) == lanes[0].rindex("│") + 1


def test_colour_only_when_asked_and_nothing_but_colour():
    plain = render_text(trace(*EVERY), width=100, fields=True)
    colored = render_text(trace(*EVERY), width=100, fields=True, color=True)
    assert "\x1b" not in plain and "\x1b[36m" in colored

    def bare(text: str) -> list[str]:
        return [line.rstrip() for line in re.sub(r"\x1b\[[0-9;]*m", "", text).split("\n")]

    assert bare(colored) == bare(plain)


def test_ascii_has_nothing_else_and_the_same_shape():
    text = render_text(trace(full()), width=80, ascii=True)
    assert text.isascii()
    assert [len(line) for line in text.split("\n")] == [len(line) for line in GOLDEN.split("\n")]
    assert " 23.0 ms  |<== CertificateVerify  100 B =====================|  # + verified" in text


def test_several_connections_are_listed_first():
    text = render_text(trace(full(), refused()), width=100)
    head = text.split("\n")
    assert head[0].endswith("2 TLS connections")
    assert re.fullmatch(r"0  www\.example\.test:443  TLS 1\.3  AES-128-GCM  ✗ expired +87\.0 ms", head[2])
    assert re.fullmatch(r"1  192\.0\.2\.1:444 +- +- +✗ Nothing listens on port 444 +2\.0 ms", head[3])
    alone = render_text(trace(full(), refused()), width=100, connection=1)
    assert "www.example.test" not in alone and "192.0.2.1:444" in alone


def test_a_target_that_failed_says_why_and_where():
    text = render_text(trace(refused()), width=80)
    assert "◆ connection refused │" in text
    assert "▲ nothing listens on this port" in text
    assert "Diagnosis\n  ✗ error     Nothing listens on port 444\n              RST to SYN\n" in text
    assert "→ Start it." in text


def test_a_failure_stands_first_in_the_header_and_once_below():
    finding = Finding("version_not_supported", "error", "No TLS version in common", "alert 70", diagnosis=False)
    stopped = replace(full(), complete=False, findings=(finding,), trust=None, proofs=())
    text = render_text(trace(stopped), width=120)
    assert text.split("\n")[2].startswith("www.example.test:443 · ✗ failed: no TLS version in common · TLS 1.3 · ")
    assert text.count("No TLS version in common") == 1
    assert "Diagnosis\n  ✗ error     No TLS version in common" in text and "\nFindings\n" not in text


def test_distrust_is_the_failure_where_nothing_else_stopped_it():
    finding = full().findings[0]._replace(diagnosis=True)
    head = render_text(trace(replace(full(), findings=(finding,))), width=120).split("\n")[2]
    assert head.startswith("www.example.test:443 · ✗ not trusted: expired · TLS 1.3 · ")
    assert "failed: expired" not in head and head.count("not trusted") == 1


def test_trust_is_not_unknown_where_nothing_was_to_be_judged():
    nobody = Trust("unknown", (), datetime(2026, 1, 1, tzinfo=UTC), "Mozilla")
    assert "trust" not in render_text(trace(replace(refused(), trust=nobody)), width=100)
    assert "? trust unknown" in render_text(trace(replace(refused(), trust=nobody, findings=())), width=100)


def test_nothing_at_all():
    assert "no TLS connection" in render_text(trace(), width=80)
    assert "nothing was seen of this connection" in render_text(trace(Connection()), width=80)


def test_what_a_peer_wrote_cannot_touch_the_terminal():
    text = render_text(trace(hostile(), name=EVIL), width=100, fields=True, secrets=True)
    assert all(line.isprintable() for line in text.split("\n"))
    assert "\\x1b[31m[red]x[/]\\x0d\\x0a\\u202e" in text


def test_holes_plaintext_alerts_and_inferred_messages_have_their_own_look():
    text = render_text(trace(hostile()), width=100)
    assert re.search("░░ 99 bytes missing, of the (client|server) ░░░", text) and "│    missing" in text
    assert "░░ 7 bytes that are no TLS record ░" in text and "│    not TLS" in text
    assert "┄┄┄ Certificate  must be here ┄┄" in text and "│  ? inferred" in text
    assert "◀── Alert handshake_failure  fatal ──" in text
    assert "◀── 220 " in text and "│    plaintext" in text


def test_secrets_only_when_asked():
    plain = render_text(trace(full()), width=100, fields=True)
    assert "/secret" not in plain and "abcd" not in plain
    asked = render_text(trace(full()), width=100, secrets=True)
    assert "CLIENT_TRAFFIC_SECRET_0 abcd" in asked
    assert "═══ GET /secret HTTP/1.1  1 record · 51 B ═" in asked
    assert "  │ GET /secret HTTP/1.1\n" in asked


def test_a_long_conversation_is_folded():
    runs = tuple(ApplicationRun(100 + i, START + i, START + i, SERVER if i % 2 else CLIENT, 1, 1000) for i in range(50))
    text = render_text(trace(replace(full(), application=runs)), width=100)
    assert "44 more turns in 43.00 s: client 22.0 kB, server 22.0 kB" in text
    assert text.count("application data") == 6


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0.0 ms"),
        (0.0229, "22.9 ms"),
        (0.99999, "1.00 s"),
        (1.25, "1.25 s"),
        (99.999, "1:40 min"),
        (125, "2:05 min"),
        (12_000, "3:20 h"),
        (1e6, "11 days"),
        (-0.001, "-1.0 ms"),
    ],
)
def test_durations_as_people_read_them(seconds, words):
    assert clock(seconds) == words


def test_cells_count_columns():
    assert (cells("abc"), cells("中文"), cells("e\u0301")) == (3, 4, 1)
    assert clip("中文字", 5) == "中文…" and clip("abc", 3) == "abc" and clip("abc", 0) == ""
    assert pad("中", 4) == "中  "
    assert wrap("one two three", 8) == ["one two", "three"]
    assert wrap("x" * 20 + " y", 8) == ["x" * 8, "x" * 8, "xxxx y"]
    assert wrap("", 8) == [""]


def test_a_resumed_session_without_a_certificate_is_not_of_unknown_trust():
    nobody = Trust("unknown", (), datetime(2026, 1, 1, tzinfo=UTC), "Mozilla")
    traced = Resumption("psk", 0, (), 0, 5, 1.0)
    again = replace(full(), id=1, trust=nobody, certificates=(), findings=(), resumed=True, resumptions=(traced,))
    listed, _, rest = render_text(trace(full(), again), width=160).partition("\n\nwww")
    assert "· no certificate: resumed " in listed and "unknown" not in listed
    assert "· no certificate: resumed, as in connection 0" in rest and "trust unknown" not in rest
    untraced = render_text(trace(replace(again, resumptions=())), width=160)
    assert "no certificate: resumed" in untraced and "as in connection" not in untraced


def test_a_proxy_is_not_called_starttls():
    shown = {name: render_text(trace(replace(full(), starttls=name)), width=160) for name in ("http-connect", "smtp")}
    assert " · through an HTTP proxy (CONNECT) · " in shown["http-connect"] and "STARTTLS" not in shown["http-connect"]
    assert " · STARTTLS smtp · " in shown["smtp"]
