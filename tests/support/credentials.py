"""Credentials for tests and for the examples of nodes: one of each kind, none of them anybody's."""

from tradeloom.nodes.base import Credential

CREDENTIALS = {
    made.id: made
    for made in (
        Credential("api-key", "http_header", {"header": "X-API-Key", "value": "key-4f1d0a"}),
        Credential("api-user", "http_basic", {"username": "ann", "password": "pass-9b2c77"}),
        Credential("api-token", "http_bearer", {"token": "token-77aa01"}),
        Credential("signing", "hmac", {"secret": "signing-secret-0123456789"}),
        Credential(
            "mail",
            "smtp",
            {
                "host": "smtp.example.com",
                "port": "587",
                "security": "starttls",
                "username": "bot@example.com",
                "password": "pass-5e5e5e",
                "from": "bot@example.com",
            },
        ),
        Credential("telegram", "telegram", {"bot_token": "123456789:AAE-abcdefghijklmnopqrstuvwxyz012345"}),
        Credential(
            "discord",
            "discord",
            {"webhook_url": "https://discord.com/api/webhooks/123456789012345678/tok-en_0123456789"},
        ),
        Credential(
            "slack", "slack", {"webhook_url": "https://hooks.slack.com/services/T00000000/B00000000/tok0123456789tok"}
        ),
    )
}
