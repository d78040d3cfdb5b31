"""Report page of a driving experiment: training and evaluation of a cloned driver."""

from __future__ import annotations

import platform
from pathlib import Path

import numpy as np

from camshaft.agents.evaluation.autonomy import INTERVENTION_ERROR
from camshaft.experiments.reports.driving_results import Driver, DrivingResults
from camshaft.experiments.reports.evaluation_tables import evaluation_header, evaluation_row
from camshaft.experiments.reports.page import (
    FIRST,
    INK,
    MUTED,
    SECOND,
    Block,
    Chart,
    Figure,
    Figures,
    Grid,
    Section,
    Settings,
    Table,
    Video,
    plot,
    write_page,
)


def write_driving_report(path: Path, results: DrivingResults) -> Path:
    """Write the report page of a driving experiment."""
    return write_page(
        path,
        results.title,
        _lead(results),
        [
            Section("", "", [_key_figures(results)]),
            _rollouts(results),
            _comparison(results),
            _closeness(results),
            _learning(results),
            _training_frames(results),
            Section("Settings", "", [Settings(results.settings), _stages(results)]),
        ],
        kicker="Camshaft · driving from the camera",
        footer=f"Written by camshaft on {platform.machine()}, Python {platform.python_version()}.",
    )


def _lead(results: DrivingResults) -> str:
    figures = results.cloned[0].summary
    return (
        f"A convolutional network was trained by behavior cloning and steers from the camera image alone: "
        f"{figures['kilometers']:.0f} km on {figures['episodes']} roads it has never seen, "
        f"with {_count(figures['interventions'], 'intervention')} of the safety driver."
    )


def _key_figures(results: DrivingResults) -> Figures:
    figures = results.cloned[0].summary
    low, high = figures["autonomy_interval"]
    few, many = figures["success_interval"]
    others = [driver.summary["autonomy"] for driver in results.cloned[1:]]
    remark = f"95 % interval {low:.1f} – {high:.1f} %"
    if others:
        remark += f"; other seeds {', '.join(f'{value:.1f}' for value in others)}"
    pair = (results.cloned[0], results.expert)
    error, expert = (driver.summary["metrics"]["lateral_error"]["mean"] for driver in pair)
    return Figures(
        [
            ("Autonomy", f"{figures['autonomy']:.1f} %", remark),
            (
                "Roads without intervention",
                f"{figures['successes']} of {figures['episodes']}",
                f"95 % interval {few:.0%} – {many:.0%}",
            ),
            (
                "Mean lateral error",
                f"{error * 100:.0f} cm",
                f"expert {expert * 100:.0f} cm",
            ),
            (
                "Total time",
                _duration(sum(results.stages.values())),
                "collect, train, evaluate, record",
            ),
        ]
    )


def _rollouts(results: DrivingResults) -> Section:
    videos = [Video(rollout.video, rollout.poster, rollout.caption) for rollout in results.rollouts]
    return Section(
        "Rollouts",
        "Roads of the test split, driven from the camera image; the small image is the network's input.",
        [Grid(videos)],
    )


def _comparison(results: DrivingResults) -> Section:
    drivers = [results.expert, *results.cloned, *results.others]
    return Section(
        "Evaluation",
        "All policies drive the same unseen roads. Autonomy counts six seconds for each intervention, which occurs "
        f"{INTERVENTION_ERROR:.0f} m off the lane center (Bojarski et al. 2016). In small print: 95 % "
        "intervals, Garwood's for the number of interventions and Wilson's for the share of roads. Lateral "
        "error is absolute. Difference to expert: mean absolute difference of the steering commands, which "
        "lie between -1 and 1.",
        [
            Table(
                evaluation_header(results.expert.summary),
                [evaluation_row(driver.name, driver.summary) for driver in drivers],
                emphasis=1,
            ),
            _roads_table(results.cloned[0]),
            _errors_by_road(results),
        ],
    )


def _roads_table(driver: Driver) -> Table:
    rows = [
        [
            f"{road['episode'] + 1}",
            f"{road['seed']}",
            f"{road['metrics']['distance']:.0f}",
            f"{road['metrics']['interventions']:.0f}",
            f"{road['metrics']['autonomy']:.1f}",
            f"{road['metrics']['lateral_error']:.3f}",
            f"{road['metrics']['lateral_error_p95']:.3f}",
        ]
        for road in driver.evaluation["episodes"]
    ]
    header = ["Road", "Seed", "m", "Interventions", "Autonomy %", "Mean |error| m", "95th pct. m"]
    return Table(header, rows, folded="Every road of the cloned driver")


def _errors_by_road(results: DrivingResults) -> Chart:
    with plot("errors-by-road", 9.6, 2.8) as chart:
        for driver, color, shift in ((results.expert, SECOND, -0.15), (results.cloned[0], FIRST, 0.15)):
            roads = driver.evaluation["episodes"]
            positions = np.arange(1, len(roads) + 1) + shift
            mean = [road["metrics"]["lateral_error"] for road in roads]
            high = [road["metrics"]["lateral_error_p95"] for road in roads]
            chart.axes.vlines(positions, mean, high, color=color, linewidth=2)
            chart.axes.plot(positions, mean, "o", color=color, markersize=4.5, label=driver.name)
        chart.axes.set(xlabel="road", ylabel="|lateral error|, m", ylim=(0, None))
        chart.axes.set_xticks(np.arange(1, len(roads) + 1))
        chart.axes.grid(axis="x", visible=False)
        chart.axes.legend(loc="upper left", ncols=2, bbox_to_anchor=(0, 1.12))
    return Chart(
        chart.svg, "Mean (dot) to 95th percentile (end of the line) of the lateral error.", wide=True
    )


def _closeness(results: DrivingResults) -> Section:
    return Section(
        "Comparison with the expert",
        "Steering commands of the cloned driver, and of the expert in the same states.",
        [
            _road_in_time(results.cloned[0]),
            Grid([_error_histogram(results), _command_scatter(results.cloned[0])]),
        ],
    )


def _road_in_time(driver: Driver) -> Chart:
    trace = driver.series[0]
    with plot("road-in-time", 9.6, 4.2, rows=2) as chart:
        upper, lower = chart.axes
        upper.plot(trace["time"], trace["expert_command"], color=SECOND, label="expert")
        upper.plot(trace["time"], trace["command"], color=FIRST, linewidth=1.1, label=driver.name)
        upper.set(ylabel="steering command")
        upper.legend(loc="upper left", ncols=2, bbox_to_anchor=(0, 1.22))
        lower.plot(trace["time"], trace["lateral_error"], color=FIRST)
        lower.axhline(0.0, color=MUTED, linewidth=0.8)
        for limit in (-INTERVENTION_ERROR, INTERVENTION_ERROR):
            lower.axhline(limit, color=MUTED, linewidth=0.9, linestyle=(0, (4, 3)))
        for time in trace["time"][trace["intervention"] > 0]:
            lower.axvline(time, color=INK, linewidth=1.2)
        lower.set(
            xlabel="time, s", ylabel="lateral error, m", xlim=(0, trace["time"][-1]), ylim=(-1.25, 1.25)
        )
    return Chart(
        chart.svg,
        "The first test road. Above: steering command, left positive. Below: lateral error; the safety driver "
        "takes over at the dashed lines (vertical lines: interventions).",
        wide=True,
    )


def _error_histogram(results: DrivingResults) -> Chart:
    with plot("error-histogram") as chart:
        for driver, color in ((results.expert, SECOND), (results.cloned[0], FIRST)):
            error = np.concatenate([series["lateral_error"] for series in driver.series])
            chart.axes.hist(
                error, np.linspace(-1, 1, 81), density=True, histtype="stepfilled", color=color, alpha=0.25
            )
            chart.axes.hist(
                error, np.linspace(-1, 1, 81), density=True, histtype="step", color=color, label=driver.name
            )
        chart.axes.set(xlabel="lateral error, m", ylabel="density, 1/m")
        chart.axes.legend(loc="upper right")
    return Chart(chart.svg, "Distribution of the lateral error over all test roads.")


def _command_scatter(driver: Driver) -> Chart:
    expert = np.concatenate([series["expert_command"] for series in driver.series])
    command = np.concatenate([series["command"] for series in driver.series])
    chosen = np.linspace(0, len(expert) - 1, min(len(expert), 900)).astype(int)
    reach = float(np.abs(np.concatenate([expert, command])).max()) * 1.05 + 1e-3
    with plot("command-scatter") as chart:
        chart.axes.plot([-reach, reach], [-reach, reach], color=MUTED, linewidth=0.9)
        chart.axes.plot(expert[chosen], command[chosen], ".", color=FIRST, markersize=3, alpha=0.4)
        chart.axes.set(xlabel="expert's command", ylabel="cloned driver's command")
        chart.axes.set(xlim=(-reach, reach), ylim=(-reach, reach))
    correlation = np.corrcoef(expert, command)[0, 1]
    return Chart(
        chart.svg,
        f"Steering commands in the same states, over all test roads; correlation {correlation:.3f}.",
    )


def _learning(results: DrivingResults) -> Section:
    with plot("learning", 9.6, 3.0) as chart:
        for number, curve in enumerate(results.curves):
            solid = {"alpha": 1.0 if number == 0 else 0.35}
            for values, color, label in (
                (curve.train, FIRST, "training"),
                (curve.validation, SECOND, "validation"),
            ):
                name = label if number == 0 else None
                chart.axes.plot(curve.epochs, values, color=color, label=name, **solid)
        chart.axes.set(xlabel="epoch", ylabel="loss", yscale="log")
        chart.axes.legend(loc="upper right")
    text = "Loss on the training episodes and on held-out episodes."
    if len(results.curves) > 1:
        text += " Opaque lines: the first seed; faint lines: the others."
    return Section("Learning", text, [Chart(chart.svg, "", wide=True)])


def _training_frames(results: DrivingResults) -> Section:
    images: list[Block] = [Figure(image, caption) for image, caption in results.samples]
    return Section(
        "Training frames",
        "Frames as the network receives them. A displaced frame shows the road from a pose beside the car's own, "
        "with the command that leads back to the lane center: without such frames the network would not "
        "learn to recover from its own errors.",
        [Grid(images, small=True)],
    )


def _stages(results: DrivingResults) -> Table:
    rows = [[name, _duration(seconds)] for name, seconds in results.stages.items()]
    rows.append(["all", _duration(sum(results.stages.values()))])
    return Table(["Stage", "Time"], rows, emphasis=len(rows) - 1)


def _count(number: int, noun: str) -> str:
    return f"{number or 'no'} {noun}{'' if number == 1 else 's'}"


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes else f"{seconds:.1f} s"
