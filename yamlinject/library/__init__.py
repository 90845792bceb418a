"""What ships with yamlinject: base configs, module recipes, the wirings of upstream models."""
