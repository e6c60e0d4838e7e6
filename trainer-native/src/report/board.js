// Steps through the sample games. Without it the page still shows the last position of the first one.
"use strict";
(() => {
  const games = JSON.parse(document.getElementById("games").textContent);
  const find = (id) => document.getElementById(id);
  const board = find("board");
  const cell = Number(board.dataset.cell);
  const corner = Number(board.dataset.corner);
  const place = (square) => [corner + (8 - Math.floor(square / 9)) * cell, corner + (square % 9) * cell];
  const make = (name, attributes, text = "") => {
    const element = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    element.textContent = text;
    return element;
  };
  let game = games[0];

  function show(ply) {
    const position = game.positions[ply];
    find("marks").replaceChildren(
      ...position.marks.map((square, index) => {
        const [x, y] = place(square);
        return make("rect", { x, y, width: cell, height: cell, class: index === 0 ? "to" : "from" });
      }),
    );
    find("pieces").replaceChildren(
      ...position.pieces.map(([square, name, isWhite]) => {
        const [x, y] = place(square).map((edge) => edge + cell / 2);
        return make("text", isWhite ? { x, y, transform: `rotate(180 ${x} ${y})` } : { x, y }, name);
      }),
    );
    find("black-hand").textContent = position.hands[0];
    find("white-hand").textContent = position.hands[1];
    find("move").textContent = position.text;
    find("ply").value = ply;
    find("first").disabled = find("back").disabled = ply === 0;
    find("next").disabled = find("last").disabled = ply === game.positions.length - 1;
  }

  function choose(number) {
    game = games[number];
    find("ply").max = game.positions.length - 1;
    show(game.positions.length - 1);
  }

  const ply = () => Number(find("ply").value);
  find("game").addEventListener("change", (event) => choose(Number(event.target.value)));
  find("ply").addEventListener("input", () => show(ply()));
  find("first").addEventListener("click", () => show(0));
  find("back").addEventListener("click", () => show(ply() - 1));
  find("next").addEventListener("click", () => show(ply() + 1));
  find("last").addEventListener("click", () => show(game.positions.length - 1));
  find("controls").hidden = false;
  choose(0);
})();
