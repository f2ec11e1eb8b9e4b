"""Endpoint, local model and rules keep the one contract."""

from __future__ import annotations

import pytest
from contracts.teacher import check_budget, check_teacher
from support.scripted_server import says, serve
from support.tiny_folder import write_backbone

from thinkrec.simulate.simulator import SimulatorConfig, simulate_catalogue
from thinkrec.teacher.build import build_teacher, format_teacher_name
from thinkrec.teacher.config import ApiTeacherConfig, Budget, LocalTeacherConfig, RulesTeacherConfig

DS = simulate_catalogue(SimulatorConfig(users=12, items=40, interactions_per_user=(5, 8)), 3).dataset
ROWS = [3, 11, 17, 25, 31, 40]


@pytest.fixture(scope="module")
def backbone(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(write_backbone(tmp_path_factory.mktemp("teacher") / "lm", DS))


def test_an_endpoint() -> None:
    with serve(lambda request: says("Yes. It fits.")) as served:
        config = ApiTeacherConfig(model="m", base_url=served.url, concurrency=3)
        check_teacher(lambda: build_teacher(config), ROWS)
        assert build_teacher(config).name == format_teacher_name(config)
        check_budget(lambda n: build_teacher(config.model_copy(update={"budget": Budget(max_requests=n)})), ROWS)


def test_a_local_model(backbone: str) -> None:
    config = LocalTeacherConfig(model=backbone, batch_size=4, max_tokens=6, device="cpu")
    check_teacher(lambda: build_teacher(config), ROWS)
    assert build_teacher(config).name == format_teacher_name(config)
    check_budget(lambda n: build_teacher(config.model_copy(update={"budget": Budget(max_requests=n)})), ROWS)


def test_the_rules() -> None:
    config = RulesTeacherConfig(history_length=6)
    check_teacher(lambda: build_teacher(config, DS), ROWS)
    assert build_teacher(config, DS).name == format_teacher_name(config)
