"""Photos to send."""

from io import BytesIO

from PIL import Image

from tests.clients.caller import Caller


def jpeg() -> bytes:
    file = BytesIO()
    Image.effect_noise((64, 48), 60).convert("RGB").save(file, "JPEG")
    return file.getvalue()


async def upload(caller: Caller) -> str:
    """The id of a new upload that has been received."""
    made = await caller.mutate("createUpload", "... on UploadCreated { uploadId url }", contentType="image/jpeg")
    assert (await caller.http.put(made["url"], content=jpeg())).status_code == 201
    return str(made["uploadId"])
