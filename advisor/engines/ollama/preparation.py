"""How a running Ollama is given its model: pulled into its store, named by a Modelfile, loaded."""

from __future__ import annotations

from advisor.engines.deployment import Preparation
from advisor.schema import Plan


def preparation(plan: Plan) -> Preparation:
    """Its own command line does it all; a model that makes vectors has nothing that `ollama run` could load."""
    return Preparation(
        template="ollama/Modelfile.j2",
        file="Modelfile",
        holds="the model's tag, its context and its batch, from which the served name is made",
        address_variable="OLLAMA_HOST",
        up="ollama list",
        present='ollama show "$1"',
        fetch='{ ollama pull "$1" && ollama list "$1"; }',  # the list names the digest that came, for the log
        make='ollama create "$2" -f',
        load='ollama run "$2" ""' if plan.workload.kind == "generate" else "",
        remove='ollama rm "$2"',
        serving=("ollama", "show", plan.launch.served_name),
    )
