"""Chat templates as families of models write tool calls, cut down to that."""

from __future__ import annotations

HERMES = """\
{%- if tools %}{{ '<|im_start|>system\\n# Tools\\n' }}
{%- for tool in tools %}{{ tool | tojson + '\\n' }}{% endfor %}
{{- '<|im_end|>\\n' }}{% endif %}
{%- for message in messages %}
{%- if message.role == 'tool' %}
{{- '<|im_start|>user\\n<tool_response>\\n' + message.content + '\\n</tool_response><|im_end|>\\n' }}
{%- else %}{{ '<|im_start|>' + message.role }}
{%- if message.content %}{{ '\\n' + message.content }}{% endif %}
{%- for call in message.tool_calls or [] %}
{{- '\\n<tool_call>\\n{"name": "' + call.function.name + '", "arguments": ' }}
{{- call.function.arguments | tojson }}{{ '}\\n</tool_call>' }}{% endfor %}{{ '<|im_end|>\\n' }}
{%- endif %}{% endfor %}
{%- if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"""

# Qwen 2.5 and 3 put the line break before a call only behind text or another call.
QWEN = HERMES.replace("{{ '<|im_start|>' + message.role }}", "{{ '<|im_start|>' + message.role + '\\n' }}")
QWEN = QWEN.replace("{{ '\\n' + message.content }}", "{{ message.content }}").replace(
    "{{- '\\n<tool_call>", "{%- if message.content or not loop.first %}{{ '\\n' }}{% endif %}{{- '<tool_call>"
)

LLAMA3 = """\
{%- for message in messages %}
{{- '<|start_header_id|>' + message.role + '<|end_header_id|>\\n\\n' }}
{%- if tools and message.role == 'user' %}
{%- for tool in tools %}{{ tool | tojson(indent=4) + '\\n\\n' }}{% endfor %}
{%- endif %}
{%- if message.tool_calls %}
{%- if message.tool_calls | length != 1 %}{{ raise_exception('This model only supports single tool-calls.') }}
{%- endif %}{% set call = message.tool_calls[0].function %}
{{- '{"name": "' + call.name + '", ' + '"parameters": ' + (call.arguments | tojson) + '}' }}
{%- else %}{{ message.content | trim }}{% endif %}{{ '<|eot_id|>' }}{% endfor %}
{%- if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}{% endif %}"""

MISTRAL = """\
{{- '<s>' }}{% for message in messages %}
{%- if message.role == 'user' %}
{%- if tools and loop.index0 == 0 %}
{{- '[AVAILABLE_TOOLS] ' + tools | tojson + '[/AVAILABLE_TOOLS]' }}{% endif %}
{{- '[INST] ' + message.content + '[/INST]' }}
{%- elif message.role == 'tool' %}{{ '[TOOL_RESULTS] ' + message.content + '[/TOOL_RESULTS]' }}
{%- elif message.tool_calls %}{{ '[TOOL_CALLS] [' }}{% for call in message.tool_calls %}
{{- '{"name": "' + call.function.name + '", "arguments": ' + call.function.arguments | tojson }}
{%- if call.id | length != 9 %}{{ raise_exception('Tool call IDs should be 9 characters.') }}{% endif %}
{{- ', "id": "' + call.id + '"}' }}{% if not loop.last %}{{ ', ' }}{% endif %}{% endfor %}{{ ']</s>' }}
{%- else %}{{ ' ' + message.content + '</s>' }}{% endif %}{% endfor %}"""

DEEPSEEK = """\
{%- for message in messages %}
{%- if message.role == 'user' %}{{ '<|User|>' + message.content }}
{%- if tools %}{% for tool in tools %}{{ tool | tojson }}{% endfor %}{% endif %}{{ '<|Assistant|>' }}
{%- elif message.role == 'tool' %}{{ '<|tool_output|>' + message.content }}
{%- elif message.tool_calls %}{{ '<|calls_begin|>' }}{% for call in message.tool_calls %}
{{- '<|call_begin|>function<|sep|>' + call.function.name + '\\n```json\\n' }}
{{- call.function.arguments + '\\n```<|call_end|>' }}
{%- if not loop.last %}{{ '\\n' }}{% endif %}{% endfor %}{{ '<|calls_end|><|end|>' }}
{%- else %}{{ message.content + '<|end|>' }}{% endif %}{% endfor %}"""

# Calls whose arguments are elements, not JSON, as Qwen3-Coder writes them.
ELEMENTS = HERMES.replace(
    '{"name": "\' + call.function.name + \'", "arguments": ', "<function=' + call.function.name + '>\\n"
).replace(
    "{{- call.function.arguments | tojson }}{{ '}",
    "{% for key, value in call.function.arguments.items() %}"
    "{{ '<parameter=' + key + '>\\n' + value + '\\n</parameter>' }}{% endfor %}{{ '",
)

IGNORES_TOOLS = """\
{%- for message in messages %}{{ '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' }}
{%- endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"""

FAMILIES = {"hermes": HERMES, "qwen": QWEN, "llama3": LLAMA3, "mistral": MISTRAL, "deepseek": DEEPSEEK}
