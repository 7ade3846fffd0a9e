"""Write the bundled example layers from the public extracts that they are taken from.

    python data/make_bundled.py --source ../shared/data --out data

reads `liege/simplified.parquet`, `helsinki/Helsinki.osm.pbf` and `barcelona/barcelona.osm.pbf` below the source folder,
refuses files with another checksum, and writes one folder per city. The same sources give the same bytes.
"""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

from make_barcelona import write_barcelona
from make_helsinki import write_helsinki
from make_liege import write_liege

LAYERS = {"barcelona-patch": write_barcelona, "helsinki-centre": write_helsinki, "liege-region": write_liege}


def main() -> None:
    """Write the layers of every city, or of the one that is named."""
    parser = argparse.ArgumentParser(description="Write the bundled example layers.")
    parser.add_argument("--source", type=Path, required=True, help="folder with barcelona/, helsinki/ and liege/")
    parser.add_argument("--out", type=Path, required=True, help="folder that gets one folder per city")
    parser.add_argument("--city", choices=sorted(LAYERS), help="only this city")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    for city, write in LAYERS.items():
        if options.city in (None, city):
            write(options.source, options.out / city)
            for path in sorted((options.out / city).iterdir()):
                logging.info("%s: %d bytes", path, path.stat().st_size)


if __name__ == "__main__":
    main()
