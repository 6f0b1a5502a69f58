"""The parser names that vLLM 0.33.0 registers: a name outside these lists stops the server at start."""

from __future__ import annotations

from typing import Literal

# What tool_parsers/__init__.py and reasoning/__init__.py of vLLM 0.33.0 register.
_TOOL = """
dots deepseek_v3 deepseek_v31 deepseek_v32 deepseek_v4 deepseek_v41 cohere_command3 cohere_command4
ernie45 glm45 glm47 ling3 granite-20b-fc granite granite4 hermes hf beam poolside_v1 hunyuan_a13b
hy_v3 hy_v4 internlm jamba lfm2 kimi_k2 kimi_k3 k2_horizon llama3_json llama4_json llama4_pythonic
longcat mimo minimax_m2 minimax_m3 minicpm5 mistral olmo3 plamo3 muse muse_glimmer musespark1x
openai phi4_mini_json pythonic qwen3_coder qwen3_json qwen3_xml seed_oss step3 step3p5 step5 inkling
xlam gigachat3 functiongemma gemma4 apertus
"""
TOOL = frozenset(_TOOL.split())
_REASONING = """
deepseek_r1 deepseek_v3 deepseek_v4 deepseek_v41 poolside_v1 cohere_command3 cohere_command4 ernie45
gemma4 glm45 glm47 ling3 openai_gptoss granite granite_thinking_parser hf beam holo2 hunyuan_a13b
hy_v3 hy_v4 kimi_k2 kimi_k3 k2_horizon mimo minicpmv minimax_m2 minimax_m2_append_think minimax_m3
mistral nemotron_v3 olmo3 plamo3 muse muse_glimmer musespark1x qwen3 seed_oss step3 step3p5 step5
inkling
"""
REASONING = frozenset(_REASONING.split())


def known_parser(kind: Literal["tool", "reasoning"], name: str) -> str | None:
    """The name if the pinned vLLM registers it, else None (a plug-in would be needed)."""
    return name if name in (TOOL if kind == "tool" else REASONING) else None
