// npm install ws
import WebSocket from "ws";

const { BRIDGE_URL, BRIDGE_TOKEN } = process.env;
const SILENCE_MS = 40000; // the bridge pings every 15 s
let last = "0"; // the sequence of the newest record; "0" is the oldest record kept

function open() {
  const socket = new WebSocket(`${BRIDGE_URL.replace(/^http/, "ws")}/v1/events?after=${last}`, {
    headers: { Authorization: `Bearer ${BRIDGE_TOKEN}` },
  });
  let silence = setTimeout(() => socket.terminate(), SILENCE_MS);
  socket.on("ping", () => {
    clearTimeout(silence);
    silence = setTimeout(() => socket.terminate(), SILENCE_MS);
  });
  socket.on("message", (data) => {
    last = JSON.parse(data).sequence ?? last; // a bridge.reset has no sequence
    console.log(String(data));
  });
  socket.on("unexpected-response", (request, response) => {
    if (response.statusCode === 401 || response.statusCode === 403) throw new Error("the token is refused");
    socket.terminate();
  });
  socket.on("error", () => {}); // "close" follows
  socket.on("close", () => {
    clearTimeout(silence);
    setTimeout(open, 2000);
  });
}

open();
