"""Uploads to the hub: a model or tokenizer into a repository, whose own README.md stays."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from huggingface_hub import CommitInfo, HfApi

import charbert
from charbert.errors import CharBertError, first_line
from charbert.hub import CARD
from charbert.hub.cards import Facts, write_card


def upload(
    saved: Any,
    repo_id: str,
    *,
    card: Path | None = None,
    commit_message: str | None = None,
    commit_description: str | None = None,
    private: bool | None = None,
    token: bool | str | None = None,
    revision: str | None = None,
    create_pr: bool = False,
    tags: Sequence[str] = (),
    **saving: Any,
) -> CommitInfo:
    """Save a model or tokenizer into a repository of the hub, which is made where it is missing.

    Args:
        saved: a model, tokenizer or configuration.
        repo_id: of the repository.
        card: README.md of somebody's, to go there in place of the card that would be written.
        commit_message, commit_description, private, token, revision, create_pr: as in `transformers`.
        tags: further ones of the card that is written.
        saving: of `save_pretrained`.

    Raises:
        CharBertError: the hub cannot be reached, or refuses it.
    """
    own = [*(getattr(saved, "model_tags", None) or ()), *tags]
    api = HfApi(library_name="charbert", library_version=charbert.__version__)
    with TemporaryDirectory() as made:
        saved.save_pretrained(made, **saving)
        written = Path(made, CARD)
        if card is not None:
            shutil.copyfile(card, written)
        elif written.exists():
            write_card(made, Facts(parameters=saved.num_parameters()), name=repo_id, tags=own, renew=True)
        try:
            repo_id = api.create_repo(repo_id, private=private, token=token, exist_ok=True).repo_id
            if revision is not None and not revision.startswith("refs/"):
                api.create_branch(repo_id, branch=revision, token=token, exist_ok=True)
            has_card = api.file_exists(repo_id, CARD, revision=revision, token=token)
            return api.upload_folder(
                repo_id=repo_id,
                folder_path=made,
                commit_message=commit_message or f"Upload {type(saved).__name__}",
                commit_description=commit_description,
                token=token,
                revision=revision,
                create_pr=create_pr,
                ignore_patterns=[CARD] if has_card else None,
            )
        except Exception as error:  # the libraries below raise almost anything
            raise CharBertError(
                f"{repo_id}: cannot be uploaded to {api.endpoint} ({first_line(error)})"
            ) from error
