"""The talk's numbers, against facts that its text states."""

from higgs_tutorial import talk


def test_every_rung_has_its_epochs_and_they_climb():
    assert [len(r.valid_auc) for r in talk.RUNGS.values()] == [25] * 8 + [50]
    best = [max(r.valid_auc) for r in talk.RUNGS.values()]
    assert best == sorted(best)
    assert best == [0.686, 0.780, 0.794, 0.834, 0.854, 0.863, 0.873, 0.877, 0.878]


def test_the_training_gap_that_dropout_closes():
    gap = {name: r.train_auc - r.valid_auc[-1] for name, r in talk.RUNGS.items() if r.train_auc}
    assert max(gap, key=gap.get) == "adam-6x500"
    assert abs(gap["dropout-6x500"]) < 5e-4


def test_tables_have_three_column_sets():
    for table in (talk.AUC_TABLE, talk.SIGNIFICANCE_TABLE):
        assert all(set(row) == {"low", "high", "complete"} for row in table.values())
    assert talk.AUC_TABLE["DN"]["complete"] == (0.885, 0.002)
    assert talk.SIGNIFICANCE_TABLE["DN"]["complete"] == 5.0
