"""repaircafe.application: what is made once for all requests is each app's own."""

import pytest
from itsdangerous import BadSignature

from repaircafe.application import Cookies
from tests.conftest import MakeApp


def test_each_app_signs_its_cookies_with_its_own_key(make_app: MakeApp) -> None:
    ours, other = make_app(secret_key="k" * 32), make_app(secret_key="o" * 32)
    signers = [Cookies().get_signing_serializer(one) for one in (ours, other, ours)]
    assert None not in signers
    first, foreign, again = (one for one in signers if one is not None)
    cookie = first.dumps({"language": "nl"})
    assert again.loads(cookie) == {"language": "nl"}
    with pytest.raises(BadSignature):
        foreign.loads(cookie)


def test_a_signer_is_made_once(make_app: MakeApp) -> None:
    app = make_app()
    assert app.session_interface.get_signing_serializer(app) is app.session_interface.get_signing_serializer(app)  # type: ignore[attr-defined]
