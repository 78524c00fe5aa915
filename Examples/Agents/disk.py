import json, os, urllib.request

COPILOT = os.environ.get("COPILOT_URL", "http://127.0.0.1:3000")

def call(method, path, body=None):
    request = urllib.request.Request(
        COPILOT + path, method=method, data=json.dumps(body).encode() if body else None,
        headers={"Authorization": "Bearer " + os.environ["COPILOT_AGENT_TOKEN"], "Content-Type": "application/json"})
    return json.load(urllib.request.urlopen(request))

session = call("POST", "/api/sessions/request", {"host": "web-1", "username": "deploy", "reason": "Why is /var full?"})
print("Waiting for a person at", session["approveUrl"], flush=True)
while session["status"] == "pending":
    session = call("GET", f"/api/sessions/{session['id']}?waitMs=50000")
if session["status"] != "ai_control":
    raise SystemExit(f"{session['status']}: {session.get('decision', '')}")
found = call("POST", f"/api/sessions/{session['id']}/exec", {"command": "du -xh --max-depth=1 /var | sort -h | tail"})
print(found["stdout"], f"exit code {found['exitCode']}")
call("DELETE", f"/api/sessions/{session['id']}")
