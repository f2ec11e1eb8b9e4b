"""To and from the Hugging Face hub."""

from __future__ import annotations

from pathlib import Path

from huggingface_hub import HfApi, snapshot_download
from huggingface_hub.errors import HfHubHTTPError

from thinkrec.errors import CheckpointError
from thinkrec.run.layout import DATA


def write_to_hub(folder: Path, repo_id: str, *, include_data: bool, token: str | None) -> str:
    """Put a saved model into a repository of the hub in one commit; returns the commit's address.

    A repository that it makes is private. Without `include_data` the tables are removed from `folder` first.
    Raises CheckpointError where the hub refuses.
    """
    if not include_data:
        for table in (folder / DATA).glob("*.parquet"):
            table.unlink()
    api = HfApi(token=token)
    try:
        api.create_repo(repo_id, private=True, exist_ok=True)
        done = api.upload_folder(folder_path=folder, repo_id=repo_id, commit_message="Upload a ThinkRec model")
    except HfHubHTTPError as error:
        raise CheckpointError(
            f"the hub refused {repo_id} ({error}); log in by `hf auth login`, or give token"
        ) from error
    return str(done.commit_url)


def find_saved_folder(source: str | Path, revision: str | None, token: str | None, *, needs_data: bool) -> Path:
    """A folder as it is, or the cached copy of a repository of the hub.

    Raises CheckpointError where there is neither, or with `needs_data` where the tables were left out of it.
    """
    folder = Path(source)
    if not folder.is_dir():
        try:
            folder = Path(snapshot_download(str(source), revision=revision, token=token))
        except (HfHubHTTPError, ValueError, OSError) as error:
            raise CheckpointError(
                f"{source} is neither a folder nor a repository of the hub that can be read: {error}"
            ) from error
    if needs_data and (folder / DATA).is_dir() and not list((folder / DATA).glob("*.parquet")):
        raise CheckpointError(f"{source} was written without its data; give them: from_pretrained(..., data=dataset)")
    return folder
