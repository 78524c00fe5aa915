"""Runs in an environment of its own with one version of the official SDK: does the steps that it reads and prints what came.

Standard input: {"url", "token"} or {"command": [...], "env"}, "mode" (auto, legacy), "steps": [{"list": true} |
{"call", "arguments", "progress", "giveUpAfter"} | {"read": uri} | {"sleep": seconds} | {"idle": [file that is made, file that is waited for]}].
"""

import asyncio
import contextlib
import json
import pathlib
import sys
from importlib.metadata import version

IS_OLD = int(version("mcp").split(".")[0]) < 2


@contextlib.asynccontextmanager
async def connect(plan):
    headers = {"Authorization": f"Bearer {plan.get('token')}"}
    if IS_OLD:
        from mcp import ClientSession, StdioServerParameters
        from mcp.client.stdio import stdio_client
        from mcp.client.streamable_http import streamablehttp_client

        transport = (
            stdio_client(StdioServerParameters(command=plan["command"][0], args=plan["command"][1:], env=plan["env"]))
            if "command" in plan else streamablehttp_client(plan["url"], headers=headers))
        async with transport as streams, ClientSession(streams[0], streams[1]) as session:
            opened = await session.initialize()
            yield session, opened.protocolVersion
        return
    import httpx2
    from mcp.client.client import Client
    from mcp.client.stdio import StdioServerParameters, stdio_client
    from mcp.client.streamable_http import streamable_http_client

    target = (
        stdio_client(StdioServerParameters(command=plan["command"][0], args=plan["command"][1:], env=plan["env"]))
        if "command" in plan
        else streamable_http_client(plan["url"], http_client=httpx2.AsyncClient(headers=headers, timeout=100)))
    async with Client(target, mode=plan.get("mode", "auto")) as client:
        yield client, client.protocol_version


def plain(result):
    return result.model_dump(by_alias=True, mode="json", exclude_none=True)


async def do(client, step):
    if "list" in step:
        return plain(await client.list_tools())
    if "read" in step:
        return plain(await client.read_resource(step["read"]))
    if "idle" in step:
        began, over = map(pathlib.Path, step["idle"])
        began.write_text("")
        while not over.exists():
            await asyncio.sleep(0.1)
        return None
    if "sleep" in step:
        return await asyncio.sleep(step["sleep"])
    beats = []

    async def note(progress, total, message):
        beats.append([progress, message])

    call = client.call_tool(
        step["call"], step.get("arguments", {}), **({"progress_callback": note} if step.get("progress") else {}))
    try:
        result = plain(await (asyncio.wait_for(call, step["giveUpAfter"]) if "giveUpAfter" in step else call))
    except TimeoutError:
        return {"gaveUp": True}
    return {**result, "beats": beats}


async def main():
    plan = json.load(sys.stdin)
    async with connect(plan) as (client, revision):
        found = [await do(client, step) for step in plan["steps"]]
    json.dump({"revision": revision, "found": found}, sys.stdout)


asyncio.run(main())
