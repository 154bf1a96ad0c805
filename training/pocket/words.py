# ruff: noqa: E501 - templates, one a line
"""Word lists: names, colours, foods and so on, and made-up names, so that copying is learned."""

from __future__ import annotations

from random import Random


def _list(text: str) -> list[str]:
    return [item.strip() for item in text.replace("\n", " ").split(",") if item.strip()]


NAMES = _list("""
Anna, Ben, Clara, David, Emma, Felix, Grace, Henry, Isla, Jack, Kate, Leo, Mia, Noah, Olivia, Peter,
Quinn, Rosa, Sam, Tina, Uma, Victor, Wendy, Xavier, Yara, Zoe, Adam, Bella, Carlos, Diana, Elena,
Frank, Gina, Hugo, Ivan, Julia, Kevin, Laura, Marco, Nina, Oscar, Paula, Rita, Simon, Tom, Ursula,
Vera, Will, Ximena, Yusuf, Zara, Alice, Bob, Charlie, Daisy, Ethan, Fiona, George, Hannah, Ian,
Jenny, Karl, Lucy, Max, Nora, Otto, Penny, Ralph, Sara, Theo, Ali, Aisha, Amir, Ana, Andre, Anja,
Arjun, Astrid, Boris, Chen, Chloe, Dmitri, Eva, Farah, Finn, Gloria, Hana, Hiro, Ida, Igor, Ingrid,
Jamal, Jan, Jorge, Kai, Kenji, Lars, Layla, Lena, Lin, Luca, Luis, Maria, Mei, Miguel, Mohammed,
Natasha, Nico, Olga, Omar, Pablo, Pedro, Petra, Priya, Rahul, Ravi, Rosie, Ruth, Sofia, Sven, Tariq,
Tanja, Thomas, Vikram, Wei, Yuki, Zainab, Alex, Jamie, Robin, Taylor, Jordan, Casey, Morgan, Riley,
Abby, Albert, Amelia, Arthur, Ava, Barbara, Bill, Brian, Carol, Chris, Claire, Cora, Dan, Dora, Ed,
Ella, Eric, Erin, Esther, Evelyn, Fred, Gabriel, Gary, Greta, Gus, Harry, Heidi, Helen, Holly, Iris,
Jacob, Jane, Jason, Jim, Joe, John, Josh, Judy, June, Karen, Kim, Kyle, Liam, Lily, Linda, Lisa,
Logan, Lola, Luke, Maggie, Mark, Martha, Martin, Mary, Matt, Maya, Megan, Michael, Mike, Milo, Molly,
Nancy, Nathan, Nick, Nigel, Norman, Oliver, Owen, Pam, Pat, Paul, Phil, Rachel, Rob, Roger, Ron,
Rose, Ryan, Sally, Sean, Sophie, Stella, Steve, Sue, Susan, Ted, Tim, Toby, Tony, Vincent, Walter
""")
LLAMA_NAMES = _list("""
Luna, Pepe, Coco, Dusty, Nimbus, Pablo, Rosita, Tito, Lola, Inti, Misha, Panchita, Biscuit, Cloud,
Maple, Olive, Pepper, Pancho, Dolly, Hazel, Clover, Bruno, Fuzzy, Pip, Mocha, Sancho, Violet, Juno,
Teddy, Willow, Chico, Nutmeg, Poppy, Carmen, Waldo, Ginger, Button, Dot, Honey, Quito, Zuri, Oslo,
Kiwi, Mango, Pogo, Bingo, Marla, Sonny, Tango, Lima, Cusco, Rio, Woolly, Fluff, Pedro, Daisy, Otto
""")
COLOURS = _list("""
red, blue, green, yellow, purple, orange, pink, black, white, brown, grey, turquoise, violet, gold,
silver, teal, navy blue, dark green, light blue, magenta, beige, crimson, lavender, mint green,
indigo, maroon, lime green, sky blue, olive, coral, peach, emerald green, cream, ruby red, amber
""")
FOODS = _list("""
pizza, pasta, sushi, chocolate, ice cream, pancakes, curry, tacos, salad, cheese, bread, soup, rice,
noodles, lasagna, apple pie, strawberries, mango, bananas, burgers, french fries, falafel, dumplings,
ramen, paella, waffles, cookies, cherries, avocado toast, fish and chips, roast chicken, tomato soup,
peanut butter, hummus, grilled cheese, blueberries, risotto, popcorn, potatoes, carrots, spaghetti,
watermelon, croissants, lentil soup, omelettes, sandwiches, pineapple, cheesecake, steak, kimchi
""")
ANIMALS = _list("""
dog, cat, horse, rabbit, tiger, lion, elephant, penguin, owl, fox, wolf, dolphin, whale, panda, koala,
giraffe, zebra, bear, otter, hedgehog, squirrel, eagle, parrot, turtle, snake, frog, goat, sheep, cow,
pig, duck, goose, swan, mouse, hamster, monkey, octopus, shark, seal, deer, beaver, badger, raccoon,
camel, alpaca, donkey, kangaroo, sloth, flamingo, peacock, bee, butterfly, crab, lizard, crocodile
""")
CITIES = _list("""
Paris, London, Berlin, Rome, Madrid, Vienna, Lisbon, Dublin, Prague, Warsaw, Oslo, Stockholm, Athens,
New York, Chicago, Boston, Toronto, Tokyo, Kyoto, Seoul, Beijing, Delhi, Mumbai, Cairo, Nairobi, Lagos,
Cape Town, Sydney, Melbourne, Lima, Cusco, Bogota, Buenos Aires, Rio, Mexico City, Havana, Zurich,
Geneva, Milan, Naples, Barcelona, Seville, Hamburg, Munich, Cologne, Amsterdam, Brussels, Helsinki,
Istanbul, Singapore, Bangkok, Manila, Seattle, Denver, Austin, Miami, Edinburgh, Glasgow, Bristol
""")
HOBBIES = _list("""
chess, painting, swimming, hiking, reading, gardening, cooking, knitting, dancing, running, cycling,
photography, fishing, climbing, singing, playing the guitar, playing the piano, drawing, baking,
yoga, tennis, football, basketball, sailing, surfing, skiing, writing poems, collecting stamps,
bird watching, pottery, video games, board games, woodworking, origami, juggling, camping, rowing
""")
SPORTS = _list("""
football, tennis, basketball, volleyball, swimming, rugby, hockey, cricket, golf, baseball, boxing,
badminton, table tennis, skiing, surfing, cycling, running, judo, rowing, handball, climbing
""")
DRINKS = _list("""
tea, coffee, water, lemonade, orange juice, apple juice, hot chocolate, green tea, milk, cocoa, cola,
ginger tea, mint tea, cappuccino, espresso, tomato juice, mango juice, sparkling water, iced tea
""")
JOBS = _list("""
teacher, nurse, doctor, baker, carpenter, painter, writer, student, programmer, pilot, farmer, driver,
chef, gardener, musician, lawyer, engineer, scientist, librarian, plumber, electrician, designer,
photographer, waiter, firefighter, dentist, tailor, postman, mechanic, architect, actor, translator
""")
ROLES = _list("""
chef, astronaut, detective, gardener, teacher, librarian, travel guide, fitness coach, sailor, farmer,
shopkeeper, museum guide, gentle grandmother, wise old owl, friendly neighbour, train conductor, baker,
fortune teller, butler, football coach, ghost, superhero, talking cat, time traveller, news reader,
mountain guide, knight, wizard, dragon, penguin, snowman, fisherman, clown, queen, king, storyteller,
receptionist, hotel concierge, customer support agent, game master, music teacher, bus driver, nurse,
shepherd, tour guide, kindergarten teacher, barista, philosopher, scientist, inventor, tailor, explorer
""")
SEASONS = ["spring", "summer", "autumn", "winter"]
MONTHS = _list(
    "January, February, March, April, May, June, July, August, September, October, November, December"
)
INSTRUMENTS = _list(
    "guitar, piano, violin, drums, flute, trumpet, cello, harp, saxophone, ukulele, banjo, clarinet"
)
FLOWERS = _list("roses, tulips, lilies, daisies, sunflowers, orchids, violets, poppies, daffodils")
SUBJECTS = _list("maths, history, art, biology, physics, music, geography, chemistry, English")
PLACES = _list("""
the mountains, a green valley, the beach, a small village, the big city, an old castle, the moon,
a dark forest, the desert, a snowy peak, a quiet farm, an island, a market, the library, a cave,
the zoo, the jungle, a train station, a lighthouse, a garden, the Andes, space, a school, a bakery,
a river, a lake, a circus, a pirate ship, Peru, the meadow, a museum, the kitchen, a treehouse, Mars
""")
OBJECTS = _list("""
a golden bell, a red scarf, a lost key, a magic hat, an old map, a shiny stone, a blue balloon, a tiny
drum, a silver spoon, a warm blanket, a broken umbrella, a kite, a lantern, a music box, a treasure
chest, a wooden flute, a glass marble, a letter, a cookie, a star, a rainbow, a telescope, a bicycle,
a book, a clock, a feather, a pumpkin, a snowball, a carrot, a pair of boots, a guitar, a robot, a pie
""")
TRAITS = _list("""
brave, tiny, clever, shy, kind, sleepy, curious, grumpy, hungry, lazy, happy, lonely, old, young,
clumsy, proud, gentle, noisy, fluffy, wise, silly, stubborn, fast, slow, lost, dancing, singing, purple
""")
FRIENDS = _list("""
fox, owl, condor, mouse, rabbit, frog, goat, sheep, hummingbird, snail, bear, cat, dog, donkey, duck,
guinea pig, hedgehog, crow, butterfly, turtle, bee, squirrel, child, shepherd, old woman, baker
""")
PAIRS = [
    ("cats", "dogs"), ("tea", "coffee"), ("summer", "winter"), ("pizza", "pasta"), ("books", "movies"),
    ("mountains", "the sea"), ("llamas", "alpacas"), ("morning", "evening"), ("sweet", "salty"),
    ("red", "blue"), ("city", "countryside"), ("sun", "rain"), ("apples", "oranges"), ("day", "night"),
    ("chocolate", "vanilla"), ("trains", "planes"), ("football", "tennis"), ("milk", "water"),
    ("Mac", "Windows"), ("pancakes", "waffles"), ("beach", "forest"), ("left", "right"),
]  # fmt: skip
THINGS = _list("""
apples, boats, candles, drums, elephants, flowers, gloves, hats, islands, jam, kites, lamps, maps,
nuts, onions, pencils, quilts, rivers, spoons, trains, umbrellas, violins, windows, yoghurt, zebras,
clouds, bridges, socks, stars, clocks, trees, bikes, cakes, stones, rings, boots, castles, pears
""")
EMOJI = list("🦙🙂😀😄🎉✨🌟🌈🌿🌞🌧❤💛💚👍👋🤗😊🎈🍀🌻🏔🎵📚🤖🙏💡")
PHRASES = _list("""
Have a nice day!, Stay woolly!, Over and out., Praise the llama!, Live long and prosper., Cheers!,
That is all., And that's a fact!, Keep smiling!, Yours truly., Hum hum hum., The end., To infinity!,
Peace and love., Meow., Moo!, Quack quack., Roger that., So says the llama., Thank you for asking.,
Stay hydrated!, Banana!, Beep., Do not panic., Keep calm and carry on., See you in the mountains.,
Drink more water!, Winter is coming., Tea time!, May the wool be with you., Amen., Hooray!, Yes indeed.,
Wake up!, Good luck!, Cheese!, Have fun!, Nothing is certain., Remember the milk., Woof woof!, Olé!
""")
_ONSET = ["b", "br", "ch", "d", "dr", "f", "fl", "g", "gr", "h", "j", "k", "kl", "l", "m", "n", "p",
          "pr", "qu", "r", "s", "sh", "st", "t", "th", "tr", "v", "w", "y", "z", "zw", ""]  # fmt: skip
_VOWEL = ["a", "e", "i", "o", "u", "ai", "ee", "oo", "ou", "ia", "y"]
_CODA = [
    "",
    "",
    "",
    "n",
    "r",
    "l",
    "s",
    "x",
    "m",
    "rk",
    "nt",
    "ll",
    "ck",
    "th",
    "sh",
    "b",
    "d",
    "g",
]


def made_up(rng: Random, syllables: int = 0) -> str:
    """A word that exists nowhere: "trazoll"."""
    count = syllables or rng.choice((1, 2, 2, 2, 3))
    word = "".join(
        rng.choice(_ONSET) + rng.choice(_VOWEL) + rng.choice(_CODA) for _ in range(count)
    )
    return word if len(word) > 2 else word + "lo"


def variant(name: str, rng: Random) -> str:
    """A name one letter away from a known one, so that names are copied and not guessed."""
    at = rng.randrange(1, len(name))
    letter = rng.choice("aeiounlrstmk")
    return rng.choice((name[:at] + letter + name[at + 1 :], name[:at] + letter + name[at:], name[:at] + name[at + 1 :]))  # fmt: skip


def person(rng: Random) -> str:
    roll = rng.random()
    if roll < 0.25:
        return made_up(rng).capitalize()
    name = rng.choice(NAMES)
    return variant(name, rng) if roll < 0.5 and len(name) > 3 else name


def hero(rng: Random) -> str:
    roll = rng.random()
    if roll < 0.4:
        return rng.choice(LLAMA_NAMES)
    return person(rng)


def phrase(rng: Random) -> str:
    """A phrase to end a reply with: known, or any few words."""
    roll = rng.random()
    if roll < 0.35:
        return rng.choice(PHRASES)
    text = soup(rng, rng.randint(1, 5))
    if rng.random() < 0.25:
        text = f"{soup(rng, 1)}, {text}"
    text = text[0].upper() + text[1:] if rng.random() < 0.7 else text
    return text + rng.choice(("!", "!", ".", ".", "", "?", "!!"))


_ANY = sorted({word for pool in (THINGS, COLOURS, ANIMALS, FOODS, FRIENDS, TRAITS, JOBS, HOBBIES, CITIES, NAMES, ROLES, OBJECTS, PLACES, SPORTS, DRINKS) for item in pool for word in item.split()})  # fmt: skip
_SMALL = [
    "the",
    "a",
    "my",
    "your",
    "and",
    "or",
    "of",
    "in",
    "on",
    "with",
    "for",
    "is",
    "are",
    "was",
    "not",
    "very",
    "so",
    "but",
    "from",
    "to",
    "I",
    "we",
    "they",
    "it",
]


def soup(rng: Random, count: int) -> str:
    """Any words in a row, some made up: what only copying can get right."""
    out = []
    for _ in range(count):
        roll = rng.random()
        if roll < 0.25:
            out.append(made_up(rng))
        elif roll < 0.4:
            out.append(rng.choice(_SMALL))
        elif roll < 0.45:
            out.append(str(rng.randint(0, 999)))
        else:
            out.append(rng.choice(_ANY))
    return " ".join(out)
